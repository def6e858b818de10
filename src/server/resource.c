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

static struct file_key key_of(const struct resource_query *q, const struct tree *tree,
                              struct slice path)
{
    return (struct file_key){
        .site = q->site, .tree = tree, .path = path, .coding = CODING_IDENTITY, .links = q->links};
}

static int get(const struct resource_query *q, const struct tree *tree, struct slice path,
               struct resource *r)
{
    const struct file_key key = key_of(q, tree, path);
    struct cached_file *file;
    int error = filecache_get(q->cache, &key, &q->moment, &file);
    if (error == 0)
        *r = (struct resource){.kind = RESOURCE_FILE, .file = file, .status = 200};
    return error;
}

static int look_at_directory(const struct resource_query *q, const struct tree *tree,
                             struct slice directory)
{
    char path[PATH_MAX];
    struct file_identity id;
    struct rootfs root = tree->root;
    struct buf b = buf_make(path, sizeof(path) - 1);
    root.links = q->links;
    buf_put(&b, directory);
    path[b.len] = '\0';
    int error = b.overflow ? -ENAMETOOLONG : rootfs_look(&root, path, &id);
    return error == 0 && !S_ISDIR(id.mode) ? -ENOTDIR : error;
}

// A directory without an index file: there, but to be seen only when it may be listed.
static void find_directory(const struct resource_query *q, const struct tree *tree,
                           struct slice directory, struct resource *r)
{
    int error = look_at_directory(q, tree, directory);
    if (error < 0)
        none(r, resource_status(error));
    else if (!q->listing)
        none(r, 403);
    else
        *r = (struct resource){
            .kind = RESOURCE_DIRECTORY, .status = 200, .tree = tree, .directory = directory};
}

// The first index file that exists.
static void find_index(const struct resource_query *q, const struct tree *tree,
                       struct slice directory, struct resource *r)
{
    const struct conf_strings *index = &q->site->conf->index;
    char path[PATH_MAX];

    for (size_t i = 0; i < index->count; i++) {
        struct buf b = buf_make(path, sizeof(path));
        buf_put(&b, directory);
        buf_puts(&b, index->items[i]);
        int error = b.overflow ? -ENAMETOOLONG : get(q, tree, buf_slice(&b), r);
        if (error == 0)
            return;
        if (error != -ENOENT && error != -EISDIR) {
            none(r, resource_status(error));
            return;
        }
    }
    find_directory(q, tree, directory, r);
}

// Whether the path is that of a mount without the slash at its end.
static bool is_mount(const struct site *site, struct slice path)
{
    for (size_t i = 0; i < site->tree_count; i++) {
        struct slice prefix = site->trees[i].prefix;
        if (prefix.len == path.len + 1 && slice_starts_with(prefix, path))
            return true;
    }
    return false;
}

void resource_find(const struct resource_query *q, struct slice path, struct resource *ret)
{
    const struct tree *tree = sites_tree(q->site, path);
    struct slice in_tree = slice_skip(path, tree->prefix.len);
    int error = -EISDIR;
    if (in_tree.len == 0 || in_tree.ptr[in_tree.len - 1] == '/') {
        find_index(q, tree, in_tree, ret);
        return;
    }
    if (!is_mount(q->site, path))
        error = in_tree.len < PATH_MAX ? get(q, tree, in_tree, ret) : -ENAMETOOLONG;
    if (error == -EISDIR)
        *ret = (struct resource){.kind = RESOURCE_REDIRECT, .status = 301};
    else if (error < 0)
        none(ret, resource_status(error));
}

// ---- variants ----------------------------------------------------------------------------------

// The variant of `file` in a coding; NULL: there is none, or it is older than the file.
static struct cached_file *get_variant(const struct resource_query *q,
                                       const struct cached_file *file, enum coding coding)
{
    struct file_key key = file->key;
    struct cached_file *variant;
    key.coding = coding;
    if (filecache_get(q->cache, &key, &q->moment, &variant) < 0)
        return NULL;
    if (!filecache_is_newer(file, variant))
        return variant;
    filecache_release(variant);
    return NULL;
}

bool resource_find_variant(const struct resource_query *q, const struct request *r,
                           struct cached_file **file)
{
    const enum coding *offered = q->site->codings;
    size_t offered_count = q->site->coding_count;
    enum coding wanted[CODING_COUNT];
    size_t wanted_count = offered_count ? encoding_rank(r, offered, offered_count, wanted) : 0;
    struct cached_file *variant = NULL;

    for (size_t i = 0; i < wanted_count && !variant; i++)
        variant = get_variant(q, *file, wanted[i]);
    if (variant) {
        filecache_release(*file);
        *file = variant;
        return true;
    }
    // This one gets the file itself; another client may get a variant.
    for (size_t i = 0; i < offered_count && !variant; i++)
        variant = get_variant(q, *file, offered[i]);
    if (variant)
        filecache_release(variant);
    return variant != NULL;
}
