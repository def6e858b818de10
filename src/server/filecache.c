#include "server/filecache.h"

#include "base/util.h"
#include "sys/pagecache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// Buckets are for as many entries as there may be when each takes so much memory, so that chains
// stay short. What is not touched of them costs nothing.
#define ENTRY_MEMORY 1024u
#define BUCKETS_MIN  256u
#define BUCKETS_MAX  (1u << 20)

// Content up to this size may have memory that others have to give up. Larger content is sent from
// its descriptor for 11 % more, which does not pay for copying it in each time it was pushed out.
#define TAKES_MAX (8u << 10)

// Files that one tick looks at, if they are not so many that it would take more ticks than this to
// look at all.
#define TICK_FILES 16u
#define TICKS      60u

// Room for every Content-Type value.
#define TYPE_MAX 280

static uint32_t buckets_for(uint64_t entries)
{
    uint32_t count = BUCKETS_MIN;
    while (count < entries && count < BUCKETS_MAX)
        count *= 2;
    return count;
}

int filecache_init(struct filecache *c, const struct mimetable *types, uint64_t memory_limit,
                   uint64_t file_limit)
{
    uint32_t count = buckets_for(memory_limit / ENTRY_MEMORY + file_limit);
    struct cached_file **buckets = calloc(count, sizeof(*buckets));
    if (!buckets)
        return -ENOMEM;
    *c = (struct filecache){
        .types = types,
        .buckets = buckets,
        .bucket_mask = count - 1,
        .memory = {.limit = memory_limit},
        .files = {.limit = file_limit},
    };
    sieve_init(&c->memory.order);
    sieve_init(&c->files.order);
    c->tick_at = &c->files.order.items;
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
    return sizeof(*f) + strlen(f->full_path) + 1 + f->description.lines.len +
           (f->body ? f->about.size : 0);
}

static void destroy(struct cached_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->body);
    free(f->lines);
    free(f->full_path);
    free(f);
}

// Where a file that is missing is remembered: by its key, in place of another.
static struct cached_file **missing_of(struct filecache *c, const struct file_key *key)
{
    return &c->missing[hash(key) % FILECACHE_MISSING];
}

static void remember_missing(struct filecache *c, struct cached_file *f, uint64_t group)
{
    struct cached_file **place = missing_of(c, &f->key);
    if (*place)
        destroy(*place);
    f->checked = group;
    *place = f;
}

static bool is_known_missing(struct filecache *c, const struct file_key *key, uint64_t group)
{
    const struct cached_file *f = *missing_of(c, key);
    return f && f->checked == group && same_key(&f->key, key);
}

static void close_file(struct cached_file *f)
{
    close(f->fd);
    f->fd = -1;
}

static void leave_memory(struct filecache *c, struct cached_file *f)
{
    sieve_remove(&c->memory.order, &f->in_memory);
    c->memory.used -= memory_of(f);
}

static void leave_files(struct filecache *c, struct cached_file *f)
{
    if (c->tick_at == &f->in_files.link)
        c->tick_at = f->in_files.link.next;
    sieve_remove(&c->files.order, &f->in_files);
    c->files.used--;
}

static void unlist(struct filecache *c, struct cached_file *f)
{
    struct cached_file **at = bucket_of(c, &f->key);
    while (*at != f)
        at = &(*at)->next_in_bucket;
    *at = f->next_in_bucket;
    if (f->body)
        leave_memory(c, f);
    if (f->fd >= 0)
        leave_files(c, f);
    f->listed = false;
    if (f->references == 0)
        destroy(f);
}

// Lets go of the content; of all when nothing would be left, or an answer is using it.
static void drop_body(struct filecache *c, struct cached_file *f)
{
    if (f->fd < 0 || f->references) {
        unlist(c, f);
        return;
    }
    leave_memory(c, f);
    free(f->body);
    f->body = NULL;
}

// The same of the descriptor.
static void drop_fd(struct filecache *c, struct cached_file *f)
{
    if (!f->body || f->references) {
        unlist(c, f);
        return;
    }
    leave_files(c, f);
    close_file(f);
}

// Gives the entry its place in a share that it fits into, if others have to go for it.
static void enter_memory(struct filecache *c, struct cached_file *f)
{
    uint64_t cost = memory_of(f);
    while (c->memory.used + cost > c->memory.limit)
        drop_body(c, CONTAINER_OF(sieve_next(&c->memory.order), struct cached_file, in_memory));
    sieve_add(&c->memory.order, &f->in_memory);
    c->memory.used += cost;
}

static void enter_files(struct filecache *c, struct cached_file *f)
{
    while (c->files.used + 1 > c->files.limit)
        drop_fd(c, CONTAINER_OF(sieve_next(&c->files.order), struct cached_file, in_files));
    sieve_add(&c->files.order, &f->in_files);
    c->files.used++;
}

// A new entry has the one or the other.
static void enlist(struct filecache *c, struct cached_file *f)
{
    if (f->body ? memory_of(f) > c->memory.limit : c->files.limit == 0)
        return;
    if (f->body)
        enter_memory(c, f);
    else
        enter_files(c, f);
    struct cached_file **bucket = bucket_of(c, &f->key);
    f->next_in_bucket = *bucket;
    *bucket = f;
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

// Reads the content into f->body, but waits for no disk (-EAGAIN). The file may grow or shrink
// meanwhile: what was read is what counts, and *ret_same tells whether it can be relied on.
static int read_body(struct cached_file *f, bool *ret_same)
{
    struct file_identity after;
    size_t got = 0;
    ssize_t n = 1;
    char *body = malloc(f->identity.size + 1); // never 0 bytes: NULL would mean no memory
    if (!body)
        return -ENOMEM;
    while (got < f->identity.size && n > 0) {
        n = pagecache_read(f->fd, got, body + got, f->identity.size - got);
        got += n > 0 ? (size_t)n : 0;
    }
    int r = n < 0 ? (int)n : rootfs_fstat(f->fd, &after);
    if (r < 0) {
        free(body);
        return r;
    }
    *ret_same = got == f->identity.size && rootfs_same(&f->identity, &after);
    f->body = body;
    f->about.size = got;
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
static int describe(struct filecache *c, struct cached_file *f, bool validators)
{
    const struct conf_site *conf = f->key.site->conf;
    const struct mimetable_site types = {&f->key.site->types, c->types,
                                         slice_of(conf->default_type), slice_of(conf->charset)};
    char type_text[TYPE_MAX], etag_text[80], lines_text[DESCRIPTION_MAX];
    struct buf type = buf_make(type_text, sizeof(type_text));
    struct buf etag = buf_make(etag_text, sizeof(etag_text));
    struct buf lines = buf_make(lines_text, sizeof(lines_text));

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
    f->lines = malloc(lines.len + 1);
    if (!f->lines)
        return -ENOMEM;
    memcpy(f->lines, lines_text, lines.len);
    f->description.lines.ptr = f->lines;
    if (etag.len) // from here on the value stands in the line "ETag: VALUE\r\n"
        f->about.etag = slice_make(f->lines + strlen("ETag: "), etag.len);
    return 0;
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

static bool is_small(const struct cached_file *f)
{
    return f->identity.size <= FILECACHE_BODY_MAX;
}

// Whether a new file is to have memory: without anybody else's, if it could be kept otherwise.
static bool may_have_memory(const struct filecache *c, const struct cached_file *f)
{
    uint64_t cost = sizeof(*f) + strlen(f->full_path) + DESCRIPTION_MAX + f->identity.size;
    return c->files.limit == 0 || c->memory.used + cost <= c->memory.limit;
}

// Opens the file, and reads it if it is to be in memory: when it is young, for that is what the
// answer is about, or when it is kept there. What is not in the system's memory is not read here.
static int fill(struct filecache *c, struct cached_file *f, int64_t wall_s)
{
    int r = open_regular(c, f);
    if (r < 0)
        return r;

    bool same = true, lasting = !rootfs_is_young(&f->identity, wall_s);
    if (wants_digest(f)) {
        const struct rootfs root = root_of(f);
        filedigest_read(&f->digest, &root, path_of(f), f->fd, &f->identity, wall_s);
        lasting = lasting && f->digest.lasting;
    }
    f->about.size = f->identity.size;
    if (is_small(f) && (!lasting || may_have_memory(c, f)))
        r = read_body(f, &same);
    if (r < 0 && r != -EAGAIN)
        return r;
    if (f->body)
        close_file(f);
    lasting = lasting && same;
    r = describe(c, f, lasting && has_true_mtime(f));
    if (r == 0 && lasting)
        enlist(c, f);
    return r;
}

// Whether a file that is open, and asked for again, has earned memory.
static bool has_earned_memory(const struct filecache *c, const struct cached_file *f)
{
    uint64_t cost = memory_of(f) + f->identity.size;
    return is_small(f) && cost <= c->memory.limit &&
           (f->identity.size <= TAKES_MAX || c->memory.used + cost <= c->memory.limit);
}

static void promote(struct filecache *c, struct cached_file *f)
{
    bool same = false;
    if (!has_earned_memory(c, f) || read_body(f, &same) < 0)
        return;
    if (!same) { // it has changed just now: what is described is the state before
        free(f->body);
        f->body = NULL;
        f->about.size = f->identity.size;
        return;
    }
    enter_memory(c, f);
}

// A root that was swapped is only noticed; and the tree that is open is served on.
static void check_tree(struct filecache *c, const struct tree *tree)
{
    c->swapped = c->swapped || sites_tree_is_swapped(tree);
}

// For files that are new: one look serves a group of requests.
static void check_tree_once(struct filecache *c, const struct tree *tree, uint64_t group)
{
    if (c->checked_tree == tree && c->checked == group)
        return;
    check_tree(c, tree);
    c->checked_tree = tree;
    c->checked = group;
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
    if (f && f->checked != moment->group &&
        (!is_current(c, f) || rootfs_is_young(&f->identity, moment->wall_s))) {
        unlist(c, f);
        f = NULL;
    }
    if (f) {
        f->in_memory.wanted = f->in_files.wanted = true;
        if (!f->body)
            promote(c, f);
        f->references++;
    } else if (is_known_missing(c, key, moment->group)) {
        return -ENOENT;
    } else {
        f = make(key);
        if (!f)
            return -ENOMEM;
        check_tree_once(c, key->tree, moment->group);
        int r = fill(c, f, moment->wall_s);
        if (r == -ENOENT)
            remember_missing(c, f, moment->group);
        else if (r < 0)
            destroy(f);
        if (r < 0)
            return r;
    }
    f->checked = moment->group;
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
    return rootfs_is_newer(&a->identity, &b->identity);
}

void filecache_tick(struct filecache *c)
{
    struct list *all = &c->files.order.items;
    if (c->tick_at == all)
        c->tick_at = all->next;
    uint64_t count = MAX(TICK_FILES, c->files.used / TICKS);
    for (uint64_t i = 0; i < count && c->tick_at != all; i++) {
        struct cached_file *f = CONTAINER_OF(c->tick_at, struct cached_file, in_files.link);
        c->tick_at = f->in_files.link.next;
        if (!is_current(c, f))
            unlist(c, f);
    }
}

bool filecache_drop_file(struct filecache *c)
{
    const struct list *all = &c->files.order.items;
    for (struct list *l = all->next; l != all; l = l->next) {
        struct cached_file *f = CONTAINER_OF(l, struct cached_file, in_files.link);
        if (f->references == 0) {
            drop_fd(c, f);
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
    while ((first = list_first(&c->memory.order.items)))
        unlist(c, CONTAINER_OF(first, struct cached_file, in_memory.link));
    while ((first = list_first(&c->files.order.items)))
        unlist(c, CONTAINER_OF(first, struct cached_file, in_files.link));
    for (size_t i = 0; i < FILECACHE_MISSING; i++)
        if (c->missing[i])
            destroy(c->missing[i]);
    free(c->buckets);
    c->buckets = NULL;
}
