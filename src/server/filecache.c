#include "server/filecache.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// Each bucket costs a pointer; chains stay short up to a few times as many files.
#define BUCKETS 4096u

// Files that one tick looks at, and entries that it goes through for them.
#define TICK_FILES   16u
#define TICK_ENTRIES 1024u

// Room for every Content-Type value.
#define TYPE_MAX 280

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
    c->tick_at = &c->lru;
    return 0;
}

// FNV-1a: paths are short, and a client who makes chains long by chosen names needs files of
// those names on the server.
static uint32_t hash(const struct file_key *key)
{
    uint32_t h = 2166136261u ^ (uint32_t)(uintptr_t)key->tree ^ (uint32_t)key->coding;
    for (size_t i = 0; i < key->path.len; i++)
        h = (h ^ (unsigned char)key->path.ptr[i]) * 16777619u;
    return h;
}

static struct cached_file **bucket_of(const struct filecache *c, const struct file_key *key)
{
    return &c->buckets[hash(key) & c->bucket_mask];
}

static bool same_key(const struct file_key *a, const struct file_key *b)
{
    return a->tree == b->tree && a->coding == b->coding && a->links == b->links &&
           slice_equal(a->path, b->path);
}

static uint64_t memory_of(const struct cached_file *f)
{
    return sizeof(*f) + strlen(f->full_path) + 1 + (f->body ? f->about.size : 0);
}

static void destroy(struct cached_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->body);
    free(f->full_path);
    free(f);
}

// Before the entry is taken from its place in the order.
static void step_over(struct filecache *c, const struct cached_file *f)
{
    if (c->tick_at == &f->lru)
        c->tick_at = f->lru.next;
}

static void unlist(struct filecache *c, struct cached_file *f)
{
    struct cached_file **at = bucket_of(c, &f->key);
    while (*at != f)
        at = &(*at)->next_in_bucket;
    *at = f->next_in_bucket;
    step_over(c, f);
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

    struct cached_file **bucket = bucket_of(c, &f->key);
    f->next_in_bucket = *bucket;
    *bucket = f;
    list_append(&c->lru, &f->lru);
    c->memory += memory;
    c->files += f->fd >= 0;
    f->listed = true;
}

static struct cached_file *find(const struct filecache *c, const struct file_key *key)
{
    struct cached_file *f = *bucket_of(c, key);
    while (f && !same_key(&f->key, key))
        f = f->next_in_bucket;
    return f;
}

// The path of the file, relative to its tree.
static const char *path_of(const struct cached_file *f)
{
    return f->key.path.ptr;
}

// The root as this file may look at it.
static struct rootfs root_of(const struct cached_file *f)
{
    struct rootfs root = f->key.tree->root;
    root.links = f->key.links;
    return root;
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

// The tag that the site wants its files to have, if any.
static void put_etag(struct buf *b, const struct cached_file *f)
{
    const struct file_identity *id = &f->identity;
    switch (f->key.site->conf->etag) {
    case CONF_ETAG_OFF:
        return;
    case CONF_ETAG_SHARED:
        response_etag_shared(b, id->size, id->mtime_s, encoding_name(f->key.coding));
        return;
    case CONF_ETAG_DIGEST:
        if (f->digest.known) {
            digest_etag(b, f->digest.bytes);
            return;
        }
        break;
    case CONF_ETAG_FILE:
        break;
    }
    response_etag(b, id->inode, id->size, id->mtime_s, id->mtime_ns);
}

// Formats the lines that every answer with this file repeats.
static void describe(struct filecache *c, struct cached_file *f, bool validators)
{
    const struct conf_site *conf = f->key.site->conf;
    const struct mimetable_site types = {&f->key.site->types, c->types,
                                         slice_of(conf->default_type), slice_of(conf->charset)};
    char type_text[TYPE_MAX], etag_text[80];
    struct buf type = buf_make(type_text, sizeof(type_text));
    struct buf etag = buf_make(etag_text, sizeof(etag_text));
    struct buf lines = buf_make(f->lines, sizeof(f->lines));

    mimetable_type(&types, f->key.path, &type);
    f->about.mtime = -1;
    f->about.etag = (struct slice){NULL, 0};
    if (validators) {
        put_etag(&etag, f);
        f->about.etag = buf_slice(&etag);
        f->about.mtime = f->identity.mtime_s;
    }
    response_describe(&lines, &f->about, encoding_name(f->key.coding), buf_slice(&type),
                      &f->description);
    if (etag.len) // from here on the value stands in the line "ETag: VALUE\r\n"
        f->about.etag = slice_make(f->lines + strlen("ETag: "), etag.len);
}

static struct cached_file *make(const struct file_key *key)
{
    const char *directory = key->tree->directory;
    struct slice suffix = encoding_suffix(key->coding);
    size_t size = strlen(directory) + 1 + key->path.len + suffix.len + 1;
    struct cached_file *f = calloc(1, sizeof(*f));
    char *full_path = f ? malloc(size) : NULL;
    if (!full_path) {
        free(f);
        return NULL;
    }
    struct buf b = buf_make(full_path, size);
    buf_puts(&b, directory);
    buf_putc(&b, '/');
    f->key = *key;
    f->key.path.ptr = full_path + b.len;
    buf_put(&b, key->path);
    buf_put(&b, suffix);
    buf_putc(&b, '\0');
    f->full_path = full_path;
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

// Why there is nothing to serve. The quick look that found nothing, or no file, was not confined to
// the root: what it saw is said only when it stands beneath.
static int explain(const struct cached_file *f)
{
    const struct rootfs root = root_of(f);
    struct file_identity found;
    int r = rootfs_look(&root, path_of(f), &found);
    if (r == 0)
        r = type_error(found.mode);
    return r < 0 ? r : -ENOENT; // it has come just now
}

// Opens the file, if it is a regular one. Looks before it opens: opening a device or a FIFO can
// have effects.
static int open_regular(struct filecache *c, struct cached_file *f)
{
    const struct rootfs root = root_of(f);
    int r = rootfs_stat(&root, path_of(f), &f->identity);
    if (r < 0 || type_error(f->identity.mode) < 0)
        return explain(f);
    do
        f->fd = rootfs_open(&root, path_of(f));
    while ((f->fd == -EMFILE || f->fd == -ENFILE) && filecache_drop_file(c));
    if (f->fd < 0)
        return f->fd;
    r = rootfs_fstat(f->fd, &f->identity);
    return r < 0 ? r : type_error(f->identity.mode);
}

static bool wants_digest(const struct cached_file *f)
{
    return f->key.site->conf->etag == CONF_ETAG_DIGEST;
}

// Opens and, when it is small, reads the file.
static int fill(struct filecache *c, struct cached_file *f, int64_t wall_s)
{
    int r = open_regular(c, f);
    if (r < 0)
        return r;

    bool lasting = !rootfs_is_young(&f->identity, wall_s);
    if (wants_digest(f)) {
        const struct rootfs root = root_of(f);
        filedigest_read(&f->digest, &root, path_of(f), f->fd, &f->identity, wall_s);
        lasting = lasting && f->digest.lasting;
    }
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

// A root that was swapped is only noticed; and the tree that is open is served on.
static void check_tree(struct filecache *c, const struct tree *tree)
{
    c->swapped = c->swapped || sites_tree_is_swapped(tree);
}

// Whether the path still names the state of the file that is kept.
static bool is_current(struct filecache *c, const struct cached_file *f)
{
    struct file_identity now;
    int r = rootfs_stat_path(f->full_path, &now);
    if (r < 0 || !rootfs_same(&now, &f->identity)) {
        // It may be the way to the root that has changed, or that cannot be gone from here.
        check_tree(c, f->key.tree);
        r = rootfs_stat(&f->key.tree->root, path_of(f), &now);
    }
    const struct rootfs root = root_of(f);
    return r == 0 && rootfs_same(&now, &f->identity) &&
           (!wants_digest(f) || filedigest_is_current(&f->digest, &root, path_of(f)));
}

int filecache_get(struct filecache *c, const struct file_key *key, const struct file_moment *moment,
                  struct cached_file **ret)
{
    struct cached_file *f = find(c, key);
    // Nothing that is kept is young, unless the clock was set back: then its validators would be
    // later than the date of the answer (RFC 9110 section 8.8.2.1).
    if (f && f->checked_round != moment->round &&
        (!is_current(c, f) || rootfs_is_young(&f->identity, moment->wall_s))) {
        unlist(c, f);
        f = NULL;
    }
    if (f) {
        step_over(c, f);
        list_move(&c->lru, &f->lru);
        f->references++;
    } else {
        f = make(key);
        if (!f)
            return -ENOMEM;
        check_tree(c, key->tree);
        int r = fill(c, f, moment->wall_s);
        if (r < 0) {
            destroy(f);
            return r;
        }
    }
    f->checked_round = moment->round;
    *ret = f;
    return 0;
}

struct cached_file *filecache_adopt(int fd)
{
    struct cached_file *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->fd = fd;
    f->references = 1;
    list_init(&f->lru);
    return f;
}

struct cached_file *filecache_adopt_content(struct slice content)
{
    char *body = malloc(content.len ? content.len : 1);
    struct cached_file *f = body ? filecache_adopt(-1) : NULL;
    if (!f) {
        free(body);
        return NULL;
    }
    if (content.len)
        memcpy(body, content.ptr, content.len);
    f->body = body;
    return f;
}

bool filecache_is_newer(const struct cached_file *a, const struct cached_file *b)
{
    const struct file_identity *x = &a->identity, *y = &b->identity;
    return x->mtime_s > y->mtime_s || (x->mtime_s == y->mtime_s && x->mtime_ns > y->mtime_ns);
}

void filecache_tick(struct filecache *c)
{
    unsigned looks = 0;
    if (c->tick_at == &c->lru)
        c->tick_at = c->lru.next;
    for (unsigned i = 0; i < TICK_ENTRIES && looks < TICK_FILES && c->tick_at != &c->lru; i++) {
        struct cached_file *f = CONTAINER_OF(c->tick_at, struct cached_file, lru);
        c->tick_at = f->lru.next;
        looks += f->fd >= 0;
        if (f->fd >= 0 && !is_current(c, f))
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

void filecache_release(struct cached_file *f)
{
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
