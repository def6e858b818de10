#include "sys/textfile.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// The content of an open file. It may shrink meanwhile: the bytes that were read count.
static int read_content(int fd, size_t max, char **ret_text, size_t *ret_len)
{
    struct stat st;
    ssize_t n = 1;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if ((size_t)st.st_size > max)
        return -EFBIG;
    size_t size = (size_t)st.st_size, len = 0;
    char *text = malloc(size + 1); // never 0 bytes: NULL would mean no memory
    if (!text)
        return -ENOMEM;
    while (len < size && n > 0) {
        n = read(fd, text + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    if (n < 0) {
        n = -errno;
        free(text);
        return (int)n;
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

int textfile_read(int fd, size_t max, char **ret_text, size_t *ret_len)
{
    if (fd < 0)
        return fd;
    int r = read_content(fd, max, ret_text, ret_len);
    close(fd);
    return r;
}
