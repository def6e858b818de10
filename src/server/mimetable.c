#include "server/mimetable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (4 << 20)

// A regular file only: a FIFO would block the master.
static int open_file(const char *path, size_t *ret_size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fstat(fd, &st) < 0 ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : 0;
    if (r == 0 && st.st_size > FILE_MAX)
        r = -EFBIG;
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_size = (size_t)st.st_size;
    return fd;
}

static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
    size_t size = 0;
    int fd = open_file(path, &size);
    if (fd < 0)
        return fd;
    char *text = malloc(size + 1);
    ssize_t len = text ? read(fd, text, size) : 0;
    int r = !text ? -ENOMEM : len < 0 ? -errno : 0;
    close(fd);
    if (r < 0) {
        free(text);
        return r;
    }
    *ret_text = text;
    *ret_len = (size_t)len;
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

// Takes over the text.
static int fill(struct mimetable *t, char *text, size_t len)
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
    *t = (struct mimetable){text, entries, mime_sort(entries, at)};
    return 0;
}

int mimetable_load(struct mimetable *t, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    int r = read_file(path, &text, &len);
    return r < 0 ? r : fill(t, text, len);
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
    return fill(t, text, b.len);
}

void mimetable_cleanup(struct mimetable *t)
{
    free(t->entries);
    free(t->text);
    *t = (struct mimetable){0};
}

static struct slice find(const struct mimetable_site *s, struct slice name)
{
    struct slice type = mime_find(s->own->entries, s->own->count, name);
    if (type.len == 0)
        type = mime_find(s->general->entries, s->general->count, name);
    if (type.len == 0)
        type = mime_find_core(name);
    return type.len ? type : s->unknown;
}

void mimetable_type(const struct mimetable_site *s, struct slice name, struct buf *b)
{
    struct slice type = find(s, name);
    buf_put(b, type);
    if (s->charset.len && mime_wants_charset(type)) {
        buf_puts(b, "; charset=");
        buf_put(b, s->charset);
    }
}
