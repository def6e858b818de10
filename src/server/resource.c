#include "server/resource.h"

#include "base/util.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

static const struct {
    int error;
    int status;
} statuses[] = {
    {ENOENT, 404},
    {ENOTDIR, 404},
    {ENAMETOOLONG, 404},
    {EINVAL, 404}, // a name that this file
                   // system cannot have
    {EACCES, 403},
    {EPERM, 403},
    {EISDIR, 403},
    {ELOOP, 403},
    {EXDEV, 403},
    {ENXIO, 403},
    {ENODEV, 403}, // a socket, a device without a driver
    {EMFILE, 503},
    {ENFILE, 503},
    {ENOMEM, 503},
    {EAGAIN, 503},
};

int resource_status(int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
        if (statuses[i].error == -error)
            return statuses[i].status;
    return 500;
}

static void none(struct resource *r, int status)
{
    *r = (struct resource){.kind = RESOURCE_STATUS, .status = status};
}

static int get(const struct resource_query *q, struct slice path, struct resource *r)
{
    struct cached_file *file;
    int error = filecache_get(q->cache, q->site, path, q->round, q->wall_s, &file);
    if (error == 0)
        *r = (struct resource){.kind = RESOURCE_FILE, .file = file, .status = 200};
    return error;
}

// The first index file that exists. A directory without one is there, but not to be seen.
static void find_index(const struct resource_query *q, struct slice directory, struct resource *r)
{
    const struct conf_strings *index = &q->site->conf->index;
    char path[PATH_MAX];
    struct file_identity id;

    for (size_t i = 0; i < index->count; i++) {
        struct buf b = buf_make(path, sizeof(path));
        buf_put(&b, directory);
        buf_puts(&b, index->items[i]);
        int error = b.overflow ? -ENAMETOOLONG : get(q, buf_slice(&b), r);
        if (error == 0)
            return;
        if (error != -ENOENT && error != -EISDIR) {
            none(r, resource_status(error));
            return;
        }
    }
    struct buf b = buf_make(path, sizeof(path) - 1);
    buf_put(&b, directory);
    path[b.len] = '\0';
    int error = b.overflow ? -ENAMETOOLONG : rootfs_look(&q->site->root, path, &id);
    if (error == 0 && !S_ISDIR(id.mode))
        error = -ENOTDIR;
    none(r, error == 0 ? 403 : resource_status(error));
}

void resource_find(const struct resource_query *q, struct slice path, struct resource *ret)
{
    if (path.len == 0 || path.ptr[path.len - 1] == '/') {
        find_index(q, path, ret);
        return;
    }
    int error = path.len < PATH_MAX ? get(q, path, ret) : -ENAMETOOLONG;
    if (error == -EISDIR)
        *ret = (struct resource){.kind = RESOURCE_REDIRECT, .status = 301};
    else if (error < 0)
        none(ret, resource_status(error));
}
