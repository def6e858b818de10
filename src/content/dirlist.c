#include "content/dirlist.h"

#include "base/util.h"
#include "sys/directory.h"
#include "sys/pages.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

// Chunks double up to this size.
#define CHUNK_MIN ((size_t)4 << 10)
#define CHUNK_MAX ((size_t)256 << 10)

// Memory for entries, one behind the other; they do not move.
struct dirlist_chunk {
    struct dirlist_chunk *next; // the one that was filled before
    size_t size, used;          // with this head
};

// A directory that is being read.
struct reader {
    const struct dirlist_options *options;
    struct dirlist *list;
    struct directory directory;
    size_t path_len;
    char link[PATH_MAX + LISTING_NAME_MAX + 1]; // path and the name of a link
};

// ---- memory -------------------------------------------------------------------------------------

static size_t aligned(size_t size)
{
    size_t align = alignof(struct listing_entry);
    return (size + align - 1) / align * align;
}

static size_t entry_size(size_t name_len)
{
    return aligned(sizeof(struct listing_entry) + name_len);
}

static size_t chunk_head(void)
{
    return aligned(sizeof(struct dirlist_chunk));
}

// NULL: *ret_error says why.
static void *map(const struct reader *r, size_t size, int *ret_error)
{
    struct dirlist *d = r->list;
    *ret_error = -ENOBUFS;
    if (!budget_take(d->from, size))
        return NULL;
    void *pages = pages_map(size);
    *ret_error = -ENOMEM;
    if (pages)
        d->memory += size;
    else
        budget_give(d->from, size);
    return pages;
}

static struct dirlist_chunk *add_entry_chunk(const struct reader *r, int *ret_error)
{
    struct dirlist_chunk *last = r->list->chunks;
    size_t size = last ? MIN(2 * last->size, CHUNK_MAX) : CHUNK_MIN;
    struct dirlist_chunk *chunk = map(r, size, ret_error);
    if (!chunk)
        return NULL;
    *chunk = (struct dirlist_chunk){.next = last, .size = size, .used = chunk_head()};
    r->list->chunks = chunk;
    return chunk;
}

static struct listing_entry *new_entry(const struct reader *r, struct slice name, int *ret_error)
{
    size_t size = entry_size(name.len);
    struct dirlist_chunk *chunk = r->list->chunks;
    if (!chunk || chunk->size - chunk->used < size)
        chunk = add_entry_chunk(r, ret_error);
    if (!chunk)
        return NULL;
    void *place = (char *)chunk + chunk->used;
    struct listing_entry *entry = place;
    chunk->used += size;
    memcpy(entry + 1, name.ptr, name.len);
    entry->name = slice_make((const char *)(entry + 1), name.len);
    return entry;
}

// ---- reading ------------------------------------------------------------------------------------

static uint32_t count_of(const struct dirlist *d)
{
    return d->directories + d->files;
}

// 0, or a negative errno.
static int keep(const struct reader *r, struct slice name, const struct file_identity *id)
{
    int error;
    struct dirlist *d = r->list;
    bool directory = S_ISDIR(id->mode);
    d->cut = count_of(d) == r->options->limit;
    if (d->cut)
        return 0;
    struct listing_entry *entry = new_entry(r, name, &error);
    if (!entry)
        return error;
    entry->directory = directory;
    entry->size = directory ? 0 : id->size;
    entry->mtime_s = id->mtime_s;
    d->directories += directory;
    d->files += !directory;
    return 0;
}

// Facts of an entry; of a link what it leads to, by a look that cannot leave the root.
static int look_at_entry(struct reader *r, struct slice name, enum directory_kind kind,
                         struct file_identity *ret)
{
    if (kind != DIRECTORY_LINK) {
        int error = rootfs_lstat_at(directory_fd(&r->directory), name.ptr, ret);
        if (error || !S_ISLNK(ret->mode))
            return error;
    }
    memcpy(r->link + r->path_len, name.ptr, name.len + 1);
    return rootfs_look(r->options->root, r->link, ret);
}

static bool is_candidate(const struct dirlist_options *o, struct slice name)
{
    return name.len <= LISTING_NAME_MAX && (o->hidden || name.ptr[0] != '.');
}

static bool is_entry_shown(const struct dirlist_options *o, struct slice name,
                           const struct file_identity *id)
{
    return (S_ISREG(id->mode) || S_ISDIR(id->mode)) &&
           (!o->is_shown || o->is_shown(o->context, name, S_ISDIR(id->mode)));
}

// Too little memory or too few descriptors are not the entry's fault: it is not hidden for them.
static bool is_shortage(int error)
{
    return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

// 0, or a negative errno. An entry that cannot be looked at is gone, or leads out or nowhere.
static int consider_entry(struct reader *r, struct slice name, enum directory_kind kind)
{
    struct file_identity id;
    if (kind == DIRECTORY_OTHER || !is_candidate(r->options, name))
        return 0;
    int error = look_at_entry(r, name, kind, &id);
    if (error)
        return is_shortage(error) ? error : 0;
    return is_entry_shown(r->options, name, &id) ? keep(r, name, &id) : 0;
}

// Before what is read, so that the limit leaves out none of them.
static int add_extras(struct reader *r)
{
    const struct dirlist_options *o = r->options;
    struct slice name;
    struct file_identity id;
    int result, error = 0;
    for (size_t i = 0; o->extra && error == 0; i++) {
        result = o->extra(o->context, i, &name, &id);
        if (result == 0)
            break;
        if (result > 0 && is_candidate(o, name))
            error = keep(r, name, &id);
    }
    return error;
}

static bool is_wanted(const struct dirlist_options *o)
{
    return !o->is_wanted || atomic_load_explicit(o->is_wanted, memory_order_relaxed);
}

static int read_entries(struct reader *r)
{
    struct slice name;
    enum directory_kind kind;
    int result, error = 0;
    do {
        result = directory_next(&r->directory, &name, &kind);
        if (result > 0)
            error = is_wanted(r->options) ? consider_entry(r, name, kind) : -ECANCELED;
    } while (result > 0 && error == 0 && !r->list->cut);
    return result < 0 ? result : error;
}

// ---- order --------------------------------------------------------------------------------------

static int compare(const void *a, const void *b, void *view)
{
    const struct listing_entry *const *first = a, *const *second = b;
    return listing_compare(view, *first, *second);
}

static size_t sorted_size(const struct dirlist *d)
{
    return count_of(d) * sizeof(d->sorted[0]);
}

static void collect_entries(struct dirlist *d)
{
    size_t n = 0;
    for (struct dirlist_chunk *chunk = d->chunks; chunk; chunk = chunk->next) {
        for (size_t at = chunk_head(); at < chunk->used;) {
            const void *place = (char *)chunk + at;
            d->sorted[n] = place;
            at += entry_size(d->sorted[n++]->name.len);
        }
    }
}

static int sort(const struct reader *r)
{
    int error;
    struct dirlist *d = r->list;
    if (count_of(d) == 0)
        return 0;
    d->sorted = map(r, sorted_size(d), &error);
    if (!d->sorted)
        return error;
    struct listing_view view = *r->options->view;
    collect_entries(d);
    qsort_r(d->sorted, count_of(d), sizeof(d->sorted[0]), compare, &view);
    return 0;
}

// ---- the list -----------------------------------------------------------------------------------

static int open_directory(struct reader *r)
{
    int fd = rootfs_open(r->options->root, r->options->path);
    if (fd < 0)
        return fd;
    int error = directory_open(&r->directory, fd);
    if (error)
        return error;
    error = rootfs_fstat(directory_fd(&r->directory), &r->list->identity);
    if (error)
        directory_close(&r->directory);
    return error;
}

static int fill(struct reader *r)
{
    int error = open_directory(r);
    if (error)
        return error;
    error = add_extras(r);
    if (error == 0)
        error = read_entries(r);
    directory_close(&r->directory);
    return error == 0 ? sort(r) : error;
}

int dirlist_read(const struct dirlist_options *options, struct dirlist **ret)
{
    size_t path_len = strlen(options->path);
    if (path_len >= PATH_MAX)
        return -ENAMETOOLONG;
    struct dirlist *d = calloc(1, sizeof(*d));
    struct reader *r = malloc(sizeof(*r));
    int error = -ENOMEM;
    if (d && r) {
        r->options = options;
        r->list = d;
        d->from = options->memory;
        r->path_len = path_len;
        memcpy(r->link, options->path, path_len);
        error = fill(r);
    }
    free(r);
    if (error) {
        dirlist_free(d);
        return error;
    }
    *ret = d;
    return 0;
}

void dirlist_free(struct dirlist *d)
{
    if (!d)
        return;
    pages_unmap(d->sorted, sorted_size(d));
    while (d->chunks) {
        struct dirlist_chunk *chunk = d->chunks;
        d->chunks = chunk->next;
        pages_unmap(chunk, chunk->size);
    }
    if (d->memory)
        budget_give(d->from, d->memory);
    free(d);
}
