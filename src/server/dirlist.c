#include "server/dirlist.h"

#include "sys/clock.h"
#include "sys/directory.h"

#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    TURN_US = 1000,
    RUN_MAX = 512,
    CHUNK_MAX = 32 << 10,
    FULL = DIRLIST_MORE + 1, // a unit of work wants more room than there is
};

// Entries that are sorted among themselves.
struct run {
    struct run *next;
    size_t count;
    size_t at; // the first that is not written yet
    struct listing_entry *entries[RUN_MAX];
};

// Memory for entries, which do not move.
struct chunk {
    struct chunk *next;
    size_t used;
    alignas(struct listing_entry) char data[CHUNK_MAX];
};

struct dirlist {
    struct dirlist_options options;
    struct listing_view view;
    struct directory directory;                      // stream is NULL once all is read
    int (*work)(struct dirlist *d, struct buf *out); // the next unit: DIRLIST_…, FULL, or an errno
    struct chunk *chunks;
    struct run *runs; // the first one is being filled
    size_t run_count;
    struct run **heap; // the one whose entry comes first on top
    size_t heap_count;
    bool begun; // an entry is written
    char *link; // path and the name of a link: room for LISTING_NAME_MAX and NUL
};

// ---- merging ------------------------------------------------------------------------------------

static int compare(const void *a, const void *b, void *view)
{
    const struct listing_entry *const *first = a, *const *second = b;
    return listing_compare(view, *first, *second);
}

static void sort_run(struct dirlist *d)
{
    if (d->runs)
        qsort_r(d->runs->entries, d->runs->count, sizeof(d->runs->entries[0]), compare, &d->view);
}

static bool is_before(const struct dirlist *d, size_t a, size_t b)
{
    const struct run *first = d->heap[a], *second = d->heap[b];
    return listing_compare(&d->view, first->entries[first->at], second->entries[second->at]) < 0;
}

static void sift_down(struct dirlist *d, size_t i)
{
    for (size_t child = 2 * i + 1; child < d->heap_count; i = child, child = 2 * i + 1) {
        if (child + 1 < d->heap_count && is_before(d, child + 1, child))
            child++;
        if (!is_before(d, child, i))
            return;
        struct run *run = d->heap[i];
        d->heap[i] = d->heap[child];
        d->heap[child] = run;
    }
}

static int make_heap(struct dirlist *d)
{
    d->heap = calloc(d->run_count + 1, sizeof(struct run *));
    if (!d->heap)
        return -ENOMEM;
    for (struct run *run = d->runs; run; run = run->next)
        d->heap[d->heap_count++] = run;
    for (size_t i = d->heap_count; i-- > 0;)
        sift_down(d, i);
    return 0;
}

// The next entry in order, or NULL. It lives as long as the listing.
static const struct listing_entry *take_first(struct dirlist *d)
{
    if (d->heap_count == 0)
        return NULL;
    struct run *run = d->heap[0];
    const struct listing_entry *entry = run->entries[run->at++];
    if (run->at == run->count)
        d->heap[0] = d->heap[--d->heap_count];
    sift_down(d, 0);
    return entry;
}

// ---- writing ------------------------------------------------------------------------------------

static bool has_room(const struct buf *out, size_t need)
{
    return out->cap - out->len >= need;
}

static int write_entry(struct dirlist *d, struct buf *out)
{
    if (!has_room(out, LISTING_ENTRY_MAX))
        return FULL;
    const struct listing_entry *entry = take_first(d);
    if (entry)
        listing_add(out, &d->view, entry, !d->begun);
    else
        listing_end(out, &d->view);
    d->begun = true;
    return entry ? DIRLIST_MORE : DIRLIST_END;
}

static int write_begin(struct dirlist *d, struct buf *out)
{
    if (!has_room(out, LISTING_BEGIN_MAX))
        return FULL;
    listing_begin(out, &d->view);
    d->work = write_entry;
    return DIRLIST_MORE;
}

// ---- reading ------------------------------------------------------------------------------------

static struct listing_entry *new_entry(struct dirlist *d, struct slice name)
{
    size_t align = alignof(struct listing_entry);
    size_t size = (sizeof(struct listing_entry) + name.len + align - 1) / align * align;
    if (!d->chunks || CHUNK_MAX - d->chunks->used < size) {
        struct chunk *chunk = malloc(sizeof(*chunk));
        if (!chunk)
            return NULL;
        chunk->next = d->chunks;
        chunk->used = 0;
        d->chunks = chunk;
    }
    void *place = d->chunks->data + d->chunks->used;
    struct listing_entry *entry = place;
    d->chunks->used += size;
    memcpy(entry + 1, name.ptr, name.len);
    entry->name = slice_make((const char *)(entry + 1), name.len);
    return entry;
}

// The run with room for one more.
static struct run *current_run(struct dirlist *d)
{
    if (d->runs && d->runs->count < RUN_MAX)
        return d->runs;
    struct run *run = malloc(sizeof(*run));
    if (!run)
        return NULL;
    sort_run(d);
    run->next = d->runs;
    run->count = 0;
    run->at = 0;
    d->runs = run;
    d->run_count++;
    return run;
}

static int keep(struct dirlist *d, struct slice name, const struct file_identity *id)
{
    bool directory = S_ISDIR(id->mode);
    struct listing_entry *entry = new_entry(d, name);
    struct run *run = entry ? current_run(d) : NULL;
    if (!run)
        return -ENOMEM;
    entry->directory = directory;
    entry->size = directory ? 0 : id->size;
    entry->mtime_s = id->mtime_s;
    run->entries[run->count++] = entry;
    d->view.directories += directory;
    d->view.files += !directory;
    return 0;
}

// Facts of an entry; of a link what it leads to, by a look that cannot leave the root.
static int look(struct dirlist *d, struct slice name, enum directory_kind kind,
                struct file_identity *ret)
{
    if (kind != DIRECTORY_LINK) {
        int error = rootfs_lstat_at(directory_fd(&d->directory), name.ptr, ret);
        if (error || !S_ISLNK(ret->mode))
            return error;
    }
    memcpy(d->link + d->options.path.len, name.ptr, name.len + 1);
    return rootfs_look(d->options.root, d->link, ret);
}

static bool is_wanted(const struct dirlist *d, struct slice name, enum directory_kind kind)
{
    return kind != DIRECTORY_OTHER && name.len <= LISTING_NAME_MAX &&
           (d->options.hidden || name.ptr[0] != '.');
}

static bool is_shown(const struct dirlist *d, struct slice name, const struct file_identity *id)
{
    return (S_ISREG(id->mode) || S_ISDIR(id->mode)) &&
           (!d->options.is_shown ||
            d->options.is_shown(d->options.context, name, S_ISDIR(id->mode)));
}

// What fails for want of something says nothing about the entry.
static bool is_shortage(int error)
{
    return error == -ENOMEM || error == -EMFILE || error == -ENFILE;
}

// 0, or a negative errno. An entry that cannot be looked at is gone, or leads out or nowhere.
static int consider(struct dirlist *d, struct slice name, enum directory_kind kind)
{
    struct file_identity id;
    if (!is_wanted(d, name, kind))
        return 0;
    int error = look(d, name, kind, &id);
    if (error)
        return is_shortage(error) ? error : 0;
    if (!is_shown(d, name, &id))
        return 0;
    d->view.cut = d->view.directories + d->view.files == d->options.limit;
    return d->view.cut ? 0 : keep(d, name, &id);
}

static void close_directory(struct dirlist *d)
{
    if (d->directory.stream)
        directory_close(&d->directory);
    d->directory.stream = NULL;
}

static int read_entry(struct dirlist *d, struct buf *out)
{
    struct slice name;
    enum directory_kind kind;
    (void)out;
    int result = directory_next(&d->directory, &name, &kind);
    if (result < 0)
        return result;
    int error = result ? consider(d, name, kind) : 0;
    if (error)
        return error;
    if (result && !d->view.cut)
        return DIRLIST_MORE;
    close_directory(d);
    sort_run(d);
    d->work = write_begin;
    error = make_heap(d);
    return error ? error : DIRLIST_MORE;
}

// ---- the listing --------------------------------------------------------------------------------

static int open_directory(struct dirlist *d)
{
    int fd = rootfs_open(d->options.root, d->link);
    return fd < 0 ? fd : directory_open(&d->directory, fd);
}

// To `place`; where there is nothing to copy, there may be no pointer.
static struct slice copy(char *place, struct slice s)
{
    if (s.len)
        memcpy(place, s.ptr, s.len);
    return slice_make(place, s.len);
}

int dirlist_new(const struct dirlist_options *options, struct dirlist **ret)
{
    size_t path_len = options->path.len, view_len = options->view.path.len;
    struct dirlist *d = calloc(1, sizeof(*d) + view_len + path_len + LISTING_NAME_MAX + 1);
    if (!d)
        return -ENOMEM;
    d->options = *options;
    d->view = options->view;
    d->view.directories = 0;
    d->view.files = 0;
    d->view.cut = false;
    char *view_path = (char *)(d + 1);
    d->link = view_path + view_len;
    d->view.path = copy(view_path, options->view.path);
    d->options.path = copy(d->link, options->path);
    d->work = read_entry;
    int error = open_directory(d);
    if (error) {
        dirlist_free(d);
        return error;
    }
    *ret = d;
    return 0;
}

int dirlist_step(struct dirlist *d, struct buf *out)
{
    int64_t end = clock_now_us() + TURN_US;
    int result;
    do
        result = d->work(d, out);
    while (result == DIRLIST_MORE && clock_now_us() < end);
    assert(!out->overflow);
    return result == FULL ? DIRLIST_MORE : result;
}

void dirlist_free(struct dirlist *d)
{
    if (!d)
        return;
    close_directory(d);
    while (d->runs) {
        struct run *run = d->runs;
        d->runs = run->next;
        free(run);
    }
    while (d->chunks) {
        struct chunk *chunk = d->chunks;
        d->chunks = chunk->next;
        free(chunk);
    }
    free(d->heap);
    free(d);
}
