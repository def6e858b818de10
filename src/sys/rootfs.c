#include "sys/rootfs.h"

#include "base/util.h"
#include "sys/pathwalk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 // Linux 5.12
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

// Flags of openat2() for each enum symlinks.
static const uint64_t resolve[] = {
    [SYMLINKS_UNSET] = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    [SYMLINKS_BENEATH] = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    [SYMLINKS_NONE] = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
    [SYMLINKS_ANY] = RESOLVE_NO_MAGICLINKS,
};

static int open_with(int root, const char *path, int flags, enum symlinks links)
{
    struct open_how how = {.flags = (uint64_t)flags, .resolve = resolve[links]};
    int fd;
    do // a file system over the network may wait, and be interrupted
        fd = (int)syscall(SYS_openat2, root, or_root(path), &how, sizeof(how));
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

// The path without slashes at its end; NULL: it is not absolute, or there is no memory.
static char *name_root(const char *path)
{
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    return path[0] == '/' ? strndup(path, len) : NULL;
}

// A root without names only follows less.
static void learn_names(struct rootfs *r, const char *directory)
{
    char *real = realpath(directory, NULL);
    r->as_configured = name_root(directory);
    r->real = real ? name_root(real) : NULL;
    free(real);
}

int rootfs_init(struct rootfs *r, const char *directory)
{
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int probe = open_with(fd, ".", O_PATH | O_CLOEXEC, SYMLINKS_BENEATH);
    if (probe >= 0)
        close(probe);
    r->fd = fd;
    r->way = probe == -ENOSYS || probe == -EPERM ? ROOTFS_WALK : ROOTFS_OPENAT2;
    r->links = SYMLINKS_BENEATH;
    learn_names(r, directory);
    return 0;
}

void rootfs_adopt(struct rootfs *r, const char *directory, int fd, enum rootfs_way way,
                  const char *real)
{
    *r = (struct rootfs){
        .fd = fd,
        .way = way,
        .links = SYMLINKS_BENEATH,
        .as_configured = name_root(directory),
        .real = name_root(real),
    };
}

void rootfs_cleanup(struct rootfs *r)
{
    if (r->fd >= 0)
        close(r->fd);
    free(r->as_configured);
    free(r->real);
    *r = (struct rootfs){.fd = -1};
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

// Whether the walk is to say what a path is: in place of the kernel, or because the kernel has met
// something that leads out, or an absolute link that may not.
static bool is_for_walk(const struct rootfs *r, int error)
{
    bool beneath = r->links == SYMLINKS_UNSET || r->links == SYMLINKS_BENEATH;
    return error == -EAGAIN || (error == -EXDEV && beneath && r->real);
}

// Where links may lead anywhere there is nothing to walk for.
static int open_anywhere(const struct rootfs *r, const char *path, int flags)
{
    int fd = openat(r->fd, or_root(path), flags);
    return fd < 0 ? -errno : fd;
}

typedef int walk_cb(int root, const char *path, bool links, const struct pathwalk_names *names);

// Finds a path within what the root lets follow, by the kernel or by `walk`: a descriptor that is
// opened with these flags, or a negative errno.
static int find_path(const struct rootfs *r, const char *path, int flags, walk_cb *walk)
{
    int fd = open_by_kernel(r, path, flags);
    if (!is_for_walk(r, fd))
        return fd;
    if (r->links == SYMLINKS_ANY)
        return open_anywhere(r, path, flags);
    const struct pathwalk_names names = {r->as_configured, r->real};
    return walk(r->fd, path, r->links != SYMLINKS_NONE, &names);
}

int rootfs_open(const struct rootfs *r, const char *path)
{
    return find_path(r, path, OPEN_FLAGS, pathwalk_open);
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

// On kernels that do not know the flag, and where openat2 is refused, nothing can be told.
int rootfs_stat_cached(const char *path, struct file_identity *ret)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED};
    int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    if (fd < 0)
        return errno == EINVAL || errno == ENOSYS || errno == EPERM ? -EAGAIN : -errno;
    int r = stat_at(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, ret);
    close(fd);
    return r;
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
    int fd = find_path(r, path, O_PATH | O_CLOEXEC, pathwalk_find);
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

// The clock is known to the second only, so now_s may be up to a second ago: a file counts as old
// when its time is at least 2 s before the beginning of that second.
bool rootfs_is_young(const struct file_identity *id, int64_t now_s)
{
    int64_t oldest = now_s - YOUNG_S;
    return id->ctime_s > oldest || (id->ctime_s == oldest && id->ctime_ns > 0);
}
