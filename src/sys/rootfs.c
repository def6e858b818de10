#include "sys/rootfs.h"

#include "base/util.h"
#include "sys/pathwalk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifdef HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#else
struct open_how {
    uint64_t flags, mode, resolve;
};
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_NO_SYMLINKS   0x04
#define RESOLVE_BENEATH       0x08
#endif
#ifndef SYS_openat2
#define SYS_openat2 437 // the same on every architecture
#endif

#ifndef HAVE_STATX // musl before 1.2.5
#include <linux/stat.h>
static int statx(int dir, const char *path, int flags, unsigned mask, struct statx *st)
{
    return (int)syscall(SYS_statx, dir, path, flags, mask, st);
}
#endif

enum {
    OPEN_FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
    TRIES = 4, // the first and three more
    YOUNG_S = 2,
};

// "" names no file for the kernel.
static const char *or_root(const char *path)
{
    return path[0] ? path : ".";
}

// What openat2 is told for each enum rootfs_links.
static const uint64_t resolve[] = {
    [ROOTFS_LINKS_BENEATH] = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    [ROOTFS_LINKS_NONE] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    [ROOTFS_LINKS_ANY] = RESOLVE_NO_MAGICLINKS,
};

static int open_with(int root, const char *path, int flags, enum rootfs_links links)
{
    struct open_how how = {.flags = (uint64_t)flags, .resolve = resolve[links]};
    int fd;
    do // a file system over the network may wait, and be interrupted
        fd = (int)syscall(SYS_openat2, root, or_root(path), &how, sizeof(how));
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

int rootfs_init(struct rootfs *r, const char *directory)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int probe = open_with(fd, ".", O_PATH | O_CLOEXEC, ROOTFS_LINKS_BENEATH);
    if (probe >= 0)
        close(probe);
    r->fd = fd;
    r->way = probe == -ENOSYS || probe == -EPERM ? ROOTFS_WALK : ROOTFS_OPENAT2;
    r->links = ROOTFS_LINKS_BENEATH;
    return 0;
}

void rootfs_cleanup(struct rootfs *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

// openat2 gives EAGAIN for a ".." while anything on the machine is renamed or mounted, again and
// again if need be; it is also what stands for a kernel without the call.
static int open_by_kernel(const struct rootfs *r, const char *path, int flags)
{
    int fd = -EAGAIN;
    if (path[0] == '/') // no link, but the path itself would leave the root
        return -EXDEV;
    for (int i = 0; r->way == ROOTFS_OPENAT2 && fd == -EAGAIN && i < TRIES; i++)
        fd = open_with(r->fd, path, flags, r->links);
    return fd;
}

// Where links may lead anywhere there is nothing to walk for.
static int open_anywhere(const struct rootfs *r, const char *path, int flags)
{
    int fd = openat(r->fd, or_root(path), flags);
    return fd < 0 ? -errno : fd;
}

int rootfs_open(const struct rootfs *r, const char *path)
{
    int fd = open_by_kernel(r, path, OPEN_FLAGS);
    if (fd != -EAGAIN)
        return fd;
    if (r->links == ROOTFS_LINKS_ANY)
        return open_anywhere(r, path, OPEN_FLAGS);
    return pathwalk_open(r->fd, path, r->links == ROOTFS_LINKS_BENEATH);
}

static int stat_at(int dir, const char *path, int flags, struct file_identity *ret)
{
    struct statx st;
    if (statx(dir, path, flags, STATX_BASIC_STATS, &st) < 0)
        return -errno;
    *ret = (struct file_identity){
        .dev = makedev(st.stx_dev_major, st.stx_dev_minor),
        .inode = st.stx_ino,
        .size = st.stx_size,
        .mtime_s = st.stx_mtime.tv_sec,
        .ctime_s = st.stx_ctime.tv_sec,
        .mtime_ns = st.stx_mtime.tv_nsec,
        .ctime_ns = st.stx_ctime.tv_nsec,
        .mode = st.stx_mode,
    };
    return 0;
}

int rootfs_stat(const struct rootfs *r, const char *path, struct file_identity *ret)
{
    if (path[0] == '/') // statx would leave the root without any link
        return -EXDEV;
    return stat_at(r->fd, or_root(path), 0, ret);
}

int rootfs_stat_path(const char *path, struct file_identity *ret)
{
    return stat_at(AT_FDCWD, path, 0, ret);
}

int rootfs_fstat(int fd, struct file_identity *ret)
{
    return stat_at(fd, "", AT_EMPTY_PATH, ret);
}

int rootfs_lstat_at(int dir, const char *name, struct file_identity *ret)
{
    return stat_at(dir, name, AT_SYMLINK_NOFOLLOW, ret);
}

ssize_t rootfs_attribute(int fd, const char *name, char *ret, size_t size)
{
    ssize_t n = fgetxattr(fd, name, ret, size);
    return n < 0 ? -errno : n;
}

int rootfs_look(const struct rootfs *r, const char *path, struct file_identity *ret)
{
    int fd = open_by_kernel(r, path, O_PATH | O_CLOEXEC);
    if (fd == -EAGAIN && r->links == ROOTFS_LINKS_ANY)
        fd = open_anywhere(r, path, O_PATH | O_CLOEXEC);
    else if (fd == -EAGAIN)
        fd = pathwalk_find(r->fd, path, r->links == ROOTFS_LINKS_BENEATH);
    if (fd < 0)
        return fd;
    int result = rootfs_fstat(fd, ret);
    close(fd);
    return result;
}

bool rootfs_same(const struct file_identity *a, const struct file_identity *b)
{
    return a->dev == b->dev && a->inode == b->inode && a->size == b->size &&
           a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns && a->ctime_s == b->ctime_s &&
           a->ctime_ns == b->ctime_ns && a->mode == b->mode;
}

bool rootfs_is_newer(const struct file_identity *a, const struct file_identity *b)
{
    return a->mtime_s > b->mtime_s || (a->mtime_s == b->mtime_s && a->mtime_ns > b->mtime_ns);
}

// The clock is known to the second only, so now_s may be up to a second ago: a time counts as old
// when it is at least 2 s before the beginning of that second.
static bool is_recent(int64_t s, uint32_t ns, int64_t now_s)
{
    return s > now_s - YOUNG_S || (s == now_s - YOUNG_S && ns > 0);
}

bool rootfs_is_young(const struct file_identity *id, int64_t now_s)
{
    return is_recent(id->mtime_s, id->mtime_ns, now_s) ||
           is_recent(id->ctime_s, id->ctime_ns, now_s);
}
