#include "content/mimetable.h"

#include "http/mime_core.h"
#include "sys/textfile.h"

#include <errno.h>
#include <stdlib.h>

#define FILE_MAX (4 << 20)

static size_t count_entries(struct slice text)
{
    struct mime_reader reader = {.text = text};
    struct mime_entry entry;
    size_t count = 0;
    while (mime_next(&reader, &entry))
        count++;
    return count;
}

// Takes over the text.
static int fill_table(struct mimetable *t, char *text, size_t len)
{
    struct mime_reader reader = {.text = slice_make(text, len)};
    size_t count = count_entries(reader.text), at = 0;
    struct mime_entry *entries = calloc(count + 1, sizeof(*entries));
    if (!entries) {
        free(text);
        return -ENOMEM;
    }
    while (at < count && mime_next(&reader, &entries[at]))
        at++;
    *t = (struct mimetable){.text = text, .entries = entries, .count = mime_sort(entries, at)};
    return 0;
}

int mimetable_load(struct mimetable *t, int fd)
{
    char *text = NULL;
    size_t len = 0;
    int r = textfile_read(fd, FILE_MAX, &text, &len);
    return r < 0 ? r : fill_table(t, text, len);
}

int mimetable_make(struct mimetable *t, char *const *lines, size_t count)
{
    size_t size = 1;
    for (size_t i = 0; i < count; i++)
        size += strlen(lines[i]) + 1;
    char *text = malloc(size);
    if (!text)
        return -ENOMEM;
    struct buf b = buf_make(text, size);
    for (size_t i = 0; i < count; i++) {
        buf_puts(&b, lines[i]);
        buf_putc(&b, '\n');
    }
    return fill_table(t, text, b.len);
}

void mimetable_cleanup(struct mimetable *t)
{
    free(t->entries);
    free(t->text);
    *t = (struct mimetable){0};
}

static struct slice find_type(const struct mimetable_site *s, struct slice name)
{
    const bool core_first = s->general->after_core;
    struct slice type = mime_find(s->own->entries, s->own->count, name);
    if (type.len == 0 && core_first)
        type = mime_core_find(name);
    if (type.len == 0)
        type = mime_find(s->general->entries, s->general->count, name);
    if (type.len == 0 && !core_first)
        type = mime_core_find(name);
    return type.len ? type : s->unknown;
}

void mimetable_type(const struct mimetable_site *s, struct slice name, struct buf *b)
{
    struct slice type = find_type(s, name);
    buf_put(b, type);
    if (s->charset.len && mime_wants_charset(type)) {
        buf_puts(b, "; charset=");
        buf_put(b, s->charset);
    }
}
