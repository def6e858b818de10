#include "server/filecache.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// Each bucket costs a pointer; chains stay short up to a few times as many files.
#define BUCKETS 4096u

// Entries that one tick looks at.
#define TICK_FILES 16

int filecache_init(struct filecache *c, const struct mimetable *types, uint64_t memory_limit,
                   uint64_t file_limit)
{
    struct cached_file **buckets = calloc(BUCKETS, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    *c = (struct filecache){
        .types = types,
        .buckets = buckets,
        .bucket_mask = BUCKETS - 1,
        .memory_limit = memory_limit,
        .file_limit = file_limit,
    };
    list_init(&c->lru);
    return 0;
}

// FNV-1a: paths are short, and a client who makes chains long by chosen names needs files of
// those names on the server.
static uint32_t hash(const struct site *site, struct slice path)
{
    uint32_t h = 2166136261u ^ (uint32_t)(uintptr_t)site;
    for (size_t i = 0; i < path.len; i++)
        h = (h ^ (unsigned char)path.ptr[i]) * 16777619u;
    return h;
}

static struct cached_file **bucket_of(const struct filecache *c, const struct site *site,
                                      struct slice path)
{
    return &c->buckets[hash(site, path) & c->bucket_mask];
}

static uint64_t memory_of(const struct cached_file *f)
{
    return sizeof(*f) + f->path_len + 1 + (f->body ? f->about.size : 0);
}

static void destroy(struct cached_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->body);
    free(f->path);
    free(f);
}

static void unlist(struct filecache *c, struct cached_file *f)
{
    struct cached_file **at = bucket_of(c, f->site, slice_make(f->path, f->path_len));
    while (*at != f)
        at = &(*at)->next_in_bucket;
    *at = f->next_in_bucket;
    list_remove(&f->lru);
    c->memory -= memory_of(f);
    c->files -= f->fd >= 0;
    f->listed = false;
    if (f->references == 0)
        destroy(f);
}

static void enlist(struct filecache *c, struct cached_file *f)
{
    uint64_t memory = memory_of(f);
    if (memory > c->memory_limit || (f->fd >= 0 && c->file_limit == 0))
        return;
    struct list *oldest;
    while ((c->memory + memory > c->memory_limit || (f->fd >= 0 && c->files + 1 > c->file_limit)) &&
           (oldest = list_first(&c->lru)))
        unlist(c, CONTAINER_OF(oldest, struct cached_file, lru));

    struct cached_file **bucket = bucket_of(c, f->site, slice_make(f->path, f->path_len));
    f->next_in_bucket = *bucket;
    *bucket = f;
    list_append(&c->lru, &f->lru);
    c->memory += memory;
    c->files += f->fd >= 0;
    f->listed = true;
}

static struct cached_file *find(const struct filecache *c, const struct site *site,
                                struct slice path)
{
    struct cached_file *f = *bucket_of(c, site, path);
    while (f && !(f->site == site && slice_equal(slice_make(f->path, f->path_len), path)))
        f = f->next_in_bucket;
    return f;
}

static int type_error(uint32_t mode)
{
    if (S_ISREG(mode))
        return 0;
    return S_ISDIR(mode) ? -EISDIR : -EPERM;
}

// Reads the content into f->body. The file may grow or shrink meanwhile: what was read is what
// counts, and *ret_same tells whether it can be relied on.
static int read_body(struct cached_file *f, bool *ret_same)
{
    struct file_identity after;
    size_t got = 0;
    f->body = malloc(f->identity.size + 1); // never 0 bytes: NULL would mean no memory
    if (!f->body)
        return -ENOMEM;
    while (got < f->identity.size) {
        ssize_t n = pread(f->fd, f->body + got, f->identity.size - got, (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    int r = rootfs_fstat(f->fd, &after);
    if (r < 0)
        return r;
    *ret_same = got == f->identity.size && rootfs_same(&f->identity, &after);
    f->about.size = got;
    close(f->fd);
    f->fd = -1;
    return 0;
}

// Formats the lines that every answer with this file repeats.
static void describe(struct filecache *c, struct cached_file *f, bool validators)
{
    char type_text[160], etag_text[80];
    struct buf type = buf_make(type_text, sizeof(type_text));
    struct buf etag = buf_make(etag_text, sizeof(etag_text));
    struct buf lines = buf_make(f->lines, sizeof(f->lines));

    mimetable_type(c->types, slice_make(f->path, f->path_len), &type);
    f->about.mtime = -1;
    f->about.etag = (struct slice){NULL, 0};
    if (validators) {
        response_etag(&etag, f->identity.inode, f->identity.size, f->identity.mtime_s,
                      f->identity.mtime_ns);
        f->about.etag = buf_slice(&etag);
        f->about.mtime = f->identity.mtime_s;
    }
    response_describe(&lines, &f->about, buf_slice(&type), &f->description);
    if (validators) // from here on the value stands in the line "ETag: VALUE\r\n"
        f->about.etag = slice_make(f->lines + strlen("ETag: "), etag.len);
}

static struct cached_file *make(const struct site *site, struct slice path)
{
    struct cached_file *f = calloc(1, sizeof(*f));
    char *copy = f ? malloc(path.len + 1) : NULL;
    if (!copy) {
        free(f);
        return NULL;
    }
    memcpy(copy, path.ptr, path.len);
    copy[path.len] = '\0';
    f->site = site;
    f->path = copy;
    f->path_len = path.len;
    f->fd = -1;
    f->references = 1;
    list_init(&f->lru);
    return f;
}

// Stores and images of packages set the time of every file to the epoch, or a second after it: such
// a time says nothing about the content.
static bool has_true_mtime(const struct cached_file *f)
{
    return f->identity.mtime_s != 0 && f->identity.mtime_s != 1;
}

// Why there is nothing to serve at f->path. The quick look that found nothing, or no file, was not
// confined to the root: what it saw is said only when it stands beneath.
static int explain(const struct cached_file *f)
{
    struct file_identity found;
    int r = rootfs_look(&f->site->root, f->path, &found);
    if (r == 0)
        r = type_error(found.mode);
    return r < 0 ? r : -ENOENT; // it has come just now
}

// Opens f->path, if it is a regular file. Looks before it opens: opening a device or a FIFO can
// have effects.
static int open_regular(struct filecache *c, struct cached_file *f)
{
    int r = rootfs_stat(&f->site->root, f->path, &f->identity);
    if (r < 0 || type_error(f->identity.mode) < 0)
        return explain(f);
    do
        f->fd = rootfs_open(&f->site->root, f->path);
    while ((f->fd == -EMFILE || f->fd == -ENFILE) && filecache_drop_file(c));
    if (f->fd < 0)
        return f->fd;
    r = rootfs_fstat(f->fd, &f->identity);
    return r < 0 ? r : type_error(f->identity.mode);
}

// Opens and, when it is small, reads the file that f->path names.
static int fill(struct filecache *c, struct cached_file *f, int64_t wall_s)
{
    int r = open_regular(c, f);
    if (r < 0)
        return r;

    bool lasting = !rootfs_is_young(&f->identity, wall_s);
    f->about.size = f->identity.size;
    if (f->identity.size <= FILECACHE_BODY_MAX) {
        bool same = false;
        r = read_body(f, &same);
        if (r < 0)
            return r;
        lasting = lasting && same;
    }
    describe(c, f, lasting && has_true_mtime(f));
    if (lasting)
        enlist(c, f);
    return 0;
}

int filecache_get(struct filecache *c, const struct site *site, struct slice path, uint64_t round,
                  int64_t wall_s, struct cached_file **ret)
{
    struct cached_file *f = find(c, site, path);
    if (f && f->checked_round != round) {
        struct file_identity now;
        int r = rootfs_stat(&site->root, f->path, &now);
        // Nothing that is kept is young, unless the clock was set back: then its validators would
        // be later than the date of the answer (RFC 9110 section 8.8.2.1).
        if (r < 0 || !rootfs_same(&now, &f->identity) || rootfs_is_young(&now, wall_s)) {
            unlist(c, f);
            f = NULL;
        }
    }
    if (f) {
        list_move(&c->lru, &f->lru);
        f->references++;
    } else {
        f = make(site, path);
        if (!f)
            return -ENOMEM;
        int r = fill(c, f, wall_s);
        if (r < 0) {
            destroy(f);
            return r;
        }
    }
    f->checked_round = round;
    *ret = f;
    return 0;
}

void filecache_tick(struct filecache *c)
{
    struct list *next = c->lru.next;
    // Those used least are the ones that nobody asks for.
    for (int i = 0; i < TICK_FILES && next != &c->lru; i++) {
        struct cached_file *f = CONTAINER_OF(next, struct cached_file, lru);
        struct file_identity now;
        next = next->next;
        if (f->fd >= 0 &&
            (rootfs_stat(&f->site->root, f->path, &now) < 0 || !rootfs_same(&now, &f->identity)))
            unlist(c, f);
    }
}

bool filecache_drop_file(struct filecache *c)
{
    for (struct list *l = c->lru.next; l != &c->lru; l = l->next) {
        struct cached_file *f = CONTAINER_OF(l, struct cached_file, lru);
        if (f->fd >= 0 && f->references == 0) {
            unlist(c, f);
            return true;
        }
    }
    return false;
}

void filecache_release(struct filecache *c, struct cached_file *f)
{
    (void)c;
    if (--f->references == 0 && !f->listed)
        destroy(f);
}

void filecache_cleanup(struct filecache *c)
{
    struct list *first;
    while ((first = list_first(&c->lru)))
        unlist(c, CONTAINER_OF(first, struct cached_file, lru));
    free(c->buckets);
    c->buckets = NULL;
}
