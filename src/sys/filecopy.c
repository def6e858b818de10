#include "sys/filecopy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int copy_content(int from, int to, size_t max)
{
    char block[1 << 16];
    struct stat st;
    size_t len = 0;
    ssize_t n;
    int r = fstat(from, &st) < 0 ? -errno : !S_ISREG(st.st_mode) ? -EINVAL : 0;
    while (r == 0 && (n = read(from, block, sizeof(block))) != 0) {
        len += n > 0 ? (size_t)n : 0;
        r = n < 0 ? -errno : len > max ? -EFBIG : write_all(to, block, (size_t)n);
    }
    if (r == 0 && lseek(to, 0, SEEK_SET) < 0)
        r = -errno;
    return r;
}

int filecopy_open(const char *path, size_t max)
{
    // A FIFO must not be waited for.
    int from = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (from < 0)
        return -errno;
    int to = memfd_create("tined-copy", MFD_CLOEXEC);
    int r = to < 0 ? -errno : copy_content(from, to, max);
    close(from);
    if (r < 0 && to >= 0)
        close(to);
    return r < 0 ? r : to;
}
