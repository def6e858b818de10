#include "sys/pagecache.h"

#include "base/util.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/uio.h>
#include <sys/syscall.h>
#include <unistd.h>

// preadv2(2), which musl has from 1.2.5 on. The offset is given in two longs.
static ssize_t read_now(int file, uint64_t offset, void *data, size_t len)
{
    struct iovec part = {data, len};
    return syscall(SYS_preadv2, file, &part, 1, (unsigned long)offset,
                   (unsigned long)(offset >> 32), RWF_NOWAIT);
}

ssize_t pagecache_read(int file, uint64_t offset, void *data, size_t len)
{
    ssize_t n = read_now(file, offset, data, len);
    if (n < 0 && errno == EOPNOTSUPP)
        n = pread(file, data, len, (off_t)offset);
    return n < 0 ? -errno : n;
}

ssize_t pagecache_wait(int file, uint64_t offset, void *data, size_t len)
{
    ssize_t n;
    do
        n = pread(file, data, len, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static bool has_byte(int file, uint64_t offset)
{
    char byte = 0;
    return read_now(file, offset, &byte, 1) >= 0 || errno != EAGAIN;
}

bool pagecache_has(int file, uint64_t offset, size_t len)
{
    return has_byte(file, offset) && has_byte(file, offset + len - 1);
}

void pagecache_load(int file, uint64_t offset, size_t len)
{
    char thrown_away[32 << 10];
    uint64_t end = offset + len;
    while (offset < end) {
        ssize_t n = pread(file, thrown_away, (size_t)MIN(end - offset, sizeof(thrown_away)),
                          (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        offset += (uint64_t)n;
    }
}
