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

int mimetable_load(struct mimetable *t, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    int r = read_file(path, &text, &len);
    if (r < 0)
        return r;

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
