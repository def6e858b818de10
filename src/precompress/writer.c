#include "precompress/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int writer_open(struct writer *w, int dir)
{
    struct writer made = {.dir = dir};
    uint64_t number;
    if (getrandom(&number, sizeof(number), 0) < 0)
        return -errno;
    snprintf(made.name, sizeof(made.name), ".precompress-%016" PRIx64, number);
    made.fd = openat(dir, made.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made.fd < 0)
        return -errno;
    *w = made;
    return 0;
}

int writer_write(struct writer *w, const void *data, size_t len)
{
    const char *rest = data;
    while (len) {
        ssize_t n = write(w->fd, rest, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        rest += n;
        len -= (size_t)n;
    }
    return 0;
}

// Returns the mode that keeps what `st` keeps from others.
static mode_t give_away(int fd, const struct stat *st)
{
    mode_t mode = st->st_mode & 0777;
    if (fchown(fd, st->st_uid, st->st_gid) == 0 || fchown(fd, (uid_t)-1, st->st_gid) == 0)
        return mode;
    return (mode & ~(mode_t)070) | (mode & (mode << 3) & 070);
}

int writer_dress(struct writer *w, int like)
{
    struct stat st;
    if (fstat(like, &st) < 0)
        return -errno;
    const struct timespec times[] = {{.tv_nsec = UTIME_NOW}, st.st_mtim};
    if (fchmod(w->fd, give_away(w->fd, &st)) < 0 || futimens(w->fd, times) < 0)
        return -errno;
    return 0;
}

int writer_commit(struct writer *w, const char *name)
{
    // Over a network it is close() that may say that there was no room.
    int error = close(w->fd) < 0 ? -errno : 0;
    w->fd = -1;
    if (error == 0 && renameat(w->dir, w->name, w->dir, name) < 0)
        error = -errno;
    if (error < 0)
        unlinkat(w->dir, w->name, 0);
    return error;
}

void writer_discard(struct writer *w)
{
    if (w->fd < 0)
        return;
    close(w->fd);
    w->fd = -1;
    unlinkat(w->dir, w->name, 0);
}
