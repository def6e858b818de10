#include "content/resource.h"

#include "base/util.h"

#include <errno.h>
#include <limits.h>

static const struct {
    int error;
    enum reason reason;
} reasons[] = {
    {ENOENT, REASON_FILE_NONE},
    {ENOTDIR, REASON_FILE_NONE},
    {ENAMETOOLONG, REASON_FILE_NONE},
    {EINVAL, REASON_FILE_NONE}, // a name that this file system cannot have
    {EACCES, REASON_FILE_PERMISSION},
    {EPERM, REASON_FILE_PERMISSION},
    {ELOOP, REASON_FILE_LINK},
    {EXDEV, REASON_FILE_LINK},
    {EISDIR, REASON_FILE_KIND},
    {ENXIO, REASON_FILE_KIND},
    {ENODEV, REASON_FILE_KIND}, // a socket, a device without a driver
    {EMFILE, REASON_SHORTAGE},
    {ENFILE, REASON_SHORTAGE},
    {ENOMEM, REASON_SHORTAGE},
    {EAGAIN, REASON_SHORTAGE},
    {EINPROGRESS, REASON_ROOT_ASKED},
    {EBUSY, REASON_ROOT_BUSY},
    {ETIMEDOUT, REASON_ROOT_SILENT},
};

enum reason resource_reason(int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (reasons[i].error == -error)
            return reasons[i].reason;
    return REASON_FAULT;
}

static struct file_key key_of(const struct resource_query *q, const struct tree *tree,
                              struct slice path)
{
    return (struct file_key){.site = q->site,
                             .tree = tree,
                             .path = path,
                             .coding = CODING_IDENTITY,
                             .links = q->links,
                             .charset = q->charset,
                             .etag = q->etag,
                             .stored = q->stored};
}

static int get(const struct resource_query *q, const struct tree *tree, struct slice path,
               struct resource *r)
{
    const struct file_key key = key_of(q, tree, path);
    struct cached_file *file;
    int error = filecache_get(q->cache, &key, &q->moment, &file);
    if (error == 0)
        *r = (struct resource){.kind = RESOURCE_FILE, .file = file};
    return error;
}

static int look_at_directory(const struct resource_query *q, const struct tree *tree,
                             struct slice directory)
{
    char path[PATH_MAX];
    struct buf b = buf_make(path, sizeof(path) - 1);
    buf_put(&b, directory);
    path[b.len] = '\0';
    const struct file_key key = key_of(q, tree, buf_slice(&b));
    return b.overflow ? -ENAMETOOLONG : filecache_look_at_directory(q->cache, &key, &q->moment);
}

// A directory without an index file: there, but to be seen only when it may be listed.
static void find_directory(const struct resource_query *q, const struct tree *tree,
                           struct slice directory, struct resource *r)
{
    int error = look_at_directory(q, tree, directory);
    if (error < 0)
        resource_set_none(r, resource_reason(error));
    else if (!q->listing)
        resource_set_none(r, REASON_DIRECTORY_UNLISTED);
    else
        *r = (struct resource){.kind = RESOURCE_DIRECTORY, .tree = tree, .directory = directory};
}

// The first index file that exists.
static void find_index(const struct resource_query *q, const struct tree *tree,
                       struct slice directory, struct resource *r)
{
    const struct conf_strings *index = q->index;
    char path[PATH_MAX];

    for (size_t i = 0; i < index->count; i++) {
        struct buf b = buf_make(path, sizeof(path));
        buf_put(&b, directory);
        buf_puts(&b, index->items[i]);
        int error = b.overflow ? -ENAMETOOLONG : get(q, tree, buf_slice(&b), r);
        if (error == 0)
            return;
        if (error != -ENOENT && error != -EISDIR) {
            resource_set_none(r, resource_reason(error));
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
    if (UNLIKELY(tree->silent)) {
        resource_set_none(ret, REASON_ROOT_SILENT);
        return;
    }
    if (in_tree.len == 0 || in_tree.ptr[in_tree.len - 1] == '/') {
        find_index(q, tree, in_tree, ret);
        return;
    }
    if (!is_mount(q->site, path))
        error = in_tree.len < PATH_MAX ? get(q, tree, in_tree, ret) : -ENAMETOOLONG;
    if (error == -EISDIR)
        *ret = (struct resource){.kind = RESOURCE_REDIRECT};
    else if (error < 0)
        resource_set_none(ret, resource_reason(error));
}

// ---- variants ----------------------------------------------------------------------------------

// The variant of `file` in a coding; NULL: there is none, or it is older than the file.
static struct cached_file *get_variant(struct filecache *cache, const struct file_moment *moment,
                                       const struct cached_file *file, enum coding coding)
{
    struct file_key key = file->key;
    struct cached_file *variant;
    key.coding = coding;
    if (filecache_get(cache, &key, moment, &variant) < 0)
        return NULL;
    if (!cached_file_is_newer(file, variant))
        return variant;
    cached_file_release(variant);
    return NULL;
}

bool resource_is_part_of_file(const struct request *r, const struct cached_file *file)
{
    return r->first[FIELD_RANGE].ptr && r->method == METHOD_GET &&
           precond_allows_range_by_tag(r, &file->about);
}

bool resource_find_variant(struct filecache *cache, const struct file_moment *moment,
                           const struct resource_codings *offered, const struct request *r,
                           struct cached_file **file)
{
    enum coding wanted[CODING_COUNT];
    size_t wanted_count = 0;
    struct cached_file *variant = NULL;

    if (cached_file_coding(*file) != CODING_IDENTITY) // it is sent as it is stored
        return false;
    if (!resource_is_part_of_file(r, *file))
        wanted_count = encoding_rank(r, offered->items, offered->count, wanted);
    for (size_t i = 0; i < wanted_count && !variant; i++)
        variant = get_variant(cache, moment, *file, wanted[i]);
    if (variant) {
        cached_file_release(*file);
        *file = variant;
        return true;
    }
    // This one gets the file itself; another client may get a variant.
    for (size_t i = 0; i < offered->count && !variant; i++)
        variant = get_variant(cache, moment, *file, offered->items[i]);
    if (variant)
        cached_file_release(variant);
    return variant != NULL;
}
