#include "content/supply.h"

#include "sys/fstype.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>

static struct fstype_mounts far_mounts; // as they were when a root was opened first

static void read_far_mounts(void)
{
    fstype_read_mounts("/proc/self/mountinfo", &far_mounts);
}

// Whether all that can be reached from it, and the ways to it, are.
static bool is_all_local(const struct rootfs *root)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_far_mounts);
    return fstype_is_local(root->fd) && !fstype_meets_mount(&far_mounts, root->as_configured) &&
           !(root->real && fstype_meets_mount(&far_mounts, root->real));
}

static int open_own_root(void *context, const char *directory, struct supply_root *ret)
{
    struct file_identity id;
    struct supply_root opened;
    (void)context;
    int r = rootfs_init(&opened.root, directory);
    if (r < 0)
        return r;
    r = rootfs_fstat(opened.root.fd, &id);
    if (r < 0) {
        rootfs_cleanup(&opened.root);
        return r;
    }
    opened.dev = id.dev;
    opened.inode = id.inode;
    opened.is_local = is_all_local(&opened.root);
    *ret = opened;
    return 0;
}

// A FIFO must not be waited for; the reader looks at the type.
static int open_own_file(void *context, const char *path)
{
    (void)context;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

const struct supply supply_own = {.open_root = open_own_root, .open_file = open_own_file};
