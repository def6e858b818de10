#include "bothways.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool has_openat2(const struct rootfs *root)
{
    if (root->way == ROOTFS_OPENAT2)
        return true;
    print_message("no openat2 here: nothing to compare with\n");
    return false;
}

// The walk needs O_NOFOLLOW, and O_DIRECTORY for a final slash; on an open file they mean nothing.
static int flags_of(int fd)
{
    return fcntl(fd, F_GETFL) & ~(O_NOFOLLOW | O_DIRECTORY);
}

// Both ways give the same; says so when not. Cannot assert: also used in forked children.
// Takes over the descriptors.
static bool are_same(const char *path, int x, int y)
{
    struct stat a, b;
    bool same = x < 0 || y < 0 ? x == y
                               : fstat(x, &a) == 0 && fstat(y, &b) == 0 && a.st_dev == b.st_dev &&
                                     a.st_ino == b.st_ino && flags_of(x) == flags_of(y);
    if (!same)
        fprintf(stderr, "\"%.200s\": openat2 gives %d, the walk %d\n", path, x, y);
    if (x >= 0)
        close(x);
    if (y >= 0)
        close(y);
    return same;
}

static bool agree_with(int root_fd, const char *path, enum symlinks links)
{
    const struct rootfs kernel = {.fd = root_fd, .way = ROOTFS_OPENAT2, .links = links};
    const struct rootfs walk = {.fd = root_fd, .way = ROOTFS_WALK, .links = links};
    struct file_identity a, b;
    int x = rootfs_look(&kernel, path, &a), y = rootfs_look(&walk, path, &b);
    if (x != y || (x == 0 && !rootfs_same(&a, &b))) {
        fprintf(stderr, "\"%.200s\": openat2 finds %d, the walk %d\n", path, x, y);
        return false;
    }
    return are_same(path, rootfs_open(&kernel, path), rootfs_open(&walk, path));
}

bool ways_agree(int root_fd, const char *path)
{
    return agree_with(root_fd, path, SYMLINKS_BENEATH) && agree_with(root_fd, path, SYMLINKS_NONE);
}
