#include "server/mimetable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (4u << 20)

static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return -errno;
    char *text = malloc(FILE_MAX);
    size_t len = text ? fread(text, 1, FILE_MAX, f) : 0;
    int result = 0;
    if (!text)
        result = -ENOMEM;
    else if (ferror(f))
        result = -EIO;
    else if (len == FILE_MAX)
        result = -EFBIG;
    fclose(f);
    if (result < 0) {
        free(text);
        return result;
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

static size_t count_entries(struct slice text)
{
    struct mime_reader reader = {.text = text};
    struct mime_entry entry;
    size_t count = 0;
    while (mime_next(&reader, &entry))
        count++;
    return count;
}

int mimetable_load(struct mimetable *t, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    int r = read_file(path, &text, &len);
    if (r < 0) {
        *t = (struct mimetable){0};
        return r == -ENOENT ? 0 : r;
    }
    // Most of FILE_MAX is not needed; shrinking cannot fail in a way that matters.
    char *shrunk = realloc(text, len + 1);
    if (shrunk)
        text = shrunk;

    struct mime_reader reader = {.text = slice_make(text, len)};
    size_t count = count_entries(reader.text), at = 0;
    struct mime_entry *entries = calloc(count + 1, sizeof(*entries));
    if (!entries) {
        free(text);
        return -ENOMEM;
    }
    while (at < count && mime_next(&reader, &entries[at]))
        at++;
    *t = (struct mimetable){text, entries, mime_sort(entries, at)};
    return 0;
}

void mimetable_cleanup(struct mimetable *t)
{
    free(t->entries);
    free(t->text);
    *t = (struct mimetable){0};
}

void mimetable_type(const struct mimetable *t, struct slice name, struct buf *b)
{
    struct slice type = mime_find(t->entries, t->count, name);
    buf_put(b, type);
    if (mime_wants_charset(type))
        buf_puts(b, "; charset=utf-8");
}
