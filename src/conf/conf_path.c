#include "conf/conf_path.h"

#include "base/slice.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_STEP = 64 * 1024, READ_MAX = 16 * 1024 * 1024 };

static void append_slice(struct slice s, char *text, size_t *len)
{
    memcpy(text + *len, s.ptr, s.len);
    *len += s.len;
}

static void append_components(struct slice path, char *text, size_t *len)
{
    for (struct slice rest = path; rest.ptr;) {
        struct slice part = slice_split(&rest, '/');
        if (part.len == 0 || slice_equal(part, SLICE(".")))
            continue;
        if (*len && text[*len - 1] != '/')
            append_slice(SLICE("/"), text, len);
        append_slice(part, text, len);
    }
}

char *conf_path_join(const char *directory, const char *path)
{
    char *text = malloc(strlen(directory) + strlen(path) + 3);
    size_t len = 0;
    if (!text)
        return NULL;
    if (path[0] == '/' || directory[0] == '/')
        append_slice(SLICE("/"), text, &len);
    if (path[0] != '/')
        append_components(slice_of(directory), text, &len);
    append_components(slice_of(path), text, &len);
    if (len == 0)
        append_slice(SLICE("."), text, &len);
    text[len] = '\0';
    return text;
}

char *conf_path_directory(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return strdup("");
    return slash == file ? strdup("/") : strndup(file, (size_t)(slash - file));
}

bool conf_path_is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL;
}

// Reads to the end of file: the size is not known beforehand when the file is a pipe.
static int read_all(int fd, char **ret_text)
{
    char *text = NULL;
    size_t len = 0;
    int error = 0;
    for (;;) {
        char *larger = realloc(text, len + READ_STEP + sizeof("\n"));
        if (!larger) {
            error = -ENOMEM;
            break;
        }
        text = larger;
        ssize_t n = read(fd, text + len, READ_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            error = -errno;
        if (n <= 0)
            break;
        len += (size_t)n;
        if (len > READ_MAX) {
            error = -EFBIG;
            break;
        }
    }
    if (error == 0 && memchr(text, '\0', len))
        error = -EILSEQ;
    if (error < 0) {
        free(text);
        return error;
    }
    if (len && text[len - 1] != '\n')
        text[len++] = '\n';
    text[len] = '\0';
    *ret_text = text;
    return 0;
}

int conf_path_read(const char *path, char **ret_text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = read_all(fd, ret_text);
    close(fd);
    return error;
}

const char *conf_path_explain(int error)
{
    static const struct {
        int error;
        const char *text;
    } known[] = {
        {-ENOENT, "no such file; create it or name another one"},
        {-ENOTDIR, "a part of this path is not a directory; check the path"},
        {-EACCES, "permission denied; make it readable for the user who starts tined"},
        {-EISDIR, "this is a directory; name a file in it"},
        {-EFBIG, "larger than 16M; this cannot be a configuration"},
        {-EILSEQ, "holds a NUL byte; a configuration is plain text"},
        {-ENOMEM, "out of memory"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].error == error)
            return known[i].text;
    return strerror(-error);
}
