#include "content/filecache.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

// Buckets are for as many entries as there may be when each takes so much memory, so that chains
// stay short. Buckets that were never touched cost no memory.
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

static struct cached_file **bucket_of(const struct filecache *c, const struct file_key *key)
{
    return &c->buckets[cached_file_hash_key(key) & c->bucket_mask];
}

// Where a file that is missing is remembered: by its key, in place of another.
static struct cached_file **missing_of(struct filecache *c, const struct file_key *key)
{
    return &c->missing[cached_file_hash_key(key) % FILECACHE_MISSING];
}

static void remember_missing(struct filecache *c, struct cached_file *f, uint64_t group)
{
    struct cached_file **place = missing_of(c, &f->key);
    if (*place)
        cached_file_free(*place);
    f->checked = group;
    *place = f;
}

static bool is_known_missing(struct filecache *c, const struct file_key *key, uint64_t group)
{
    const struct cached_file *f = *missing_of(c, key);
    return f && f->checked == group && cached_file_same_key(&f->key, key);
}

static void leave_memory(struct filecache *c, struct cached_file *f)
{
    sieve_remove(&c->memory.order, &f->in_memory);
    c->memory.used -= cached_file_memory(f);
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
        cached_file_free(f);
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
    cached_file_close_fd(f);
}

// Gives the entry its place in a share that it fits into, if others have to go for it.
static void enter_memory(struct filecache *c, struct cached_file *f)
{
    uint64_t cost = cached_file_memory(f);
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
    if (f->body ? cached_file_memory(f) > c->memory.limit : c->files.limit == 0)
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

static struct cached_file *find_cached(const struct filecache *c, const struct file_key *key)
{
    struct cached_file *f = *bucket_of(c, key);
    while (f && !cached_file_same_key(&f->key, key))
        f = f->next_in_bucket;
    return f;
}

static bool is_small(const struct cached_file *f)
{
    return f->identity.size <= CACHED_FILE_BODY_MAX;
}

// Whether a new file is to have memory: without anybody else's, if it could be kept otherwise.
static bool may_have_memory(const struct filecache *c, const struct cached_file *f)
{
    uint64_t cost = sizeof(*f) + strlen(f->full_path) + DESCRIPTION_MAX + f->identity.size;
    return c->files.limit == 0 || c->memory.used + cost <= c->memory.limit;
}

static int open_file(struct filecache *c, struct cached_file *f)
{
    int r;
    do
        r = cached_file_open(f);
    while ((r == -EMFILE || r == -ENFILE) && filecache_drop_file(c));
    return r;
}

// Opens the file, and reads it if it is to be in memory: when it is young, for that is what the
// answer is about, or when it is kept there. Content that is not in the system's memory is not read
// here.
static int fill_file(struct filecache *c, struct cached_file *f, int64_t wall_s)
{
    int r = open_file(c, f);
    if (r < 0)
        return r;

    bool same = true;
    bool lasting = cached_file_read_digest(f, wall_s) && !rootfs_is_young(&f->identity, wall_s);
    f->about.size = f->identity.size;
    if (is_small(f) && (!lasting || may_have_memory(c, f)))
        r = cached_file_read_body(f, &same);
    if (r < 0 && r != -EAGAIN)
        return r;
    if (f->body)
        cached_file_close_fd(f);
    lasting = lasting && same;
    r = cached_file_describe(f, c->types, lasting, wall_s);
    if (r == 0 && lasting)
        enlist(c, f);
    return r;
}

// Whether a file that is open, and asked for again, has earned memory.
static bool has_earned_memory(const struct filecache *c, const struct cached_file *f)
{
    uint64_t cost = cached_file_memory(f) + f->identity.size;
    return is_small(f) && cost <= c->memory.limit &&
           (f->identity.size <= TAKES_MAX || c->memory.used + cost <= c->memory.limit);
}

static void promote(struct filecache *c, struct cached_file *f)
{
    bool same = false;
    if (!has_earned_memory(c, f) || cached_file_read_body(f, &same) < 0)
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
    bool same = cached_file_is_at_path(f);
    if (!same) {
        // It may be the way to the root that has changed, or that cannot be gone from here.
        check_tree(c, f->key.tree);
        same = cached_file_is_in_tree(f);
    }
    return same && cached_file_has_current_digest(f);
}

// A new state of it is kept in place of the one before.
static void keep_far(struct filecache *c, struct cached_file *f)
{
    struct cached_file *before = find_cached(c, &f->key);
    if (before && before != f)
        unlist(c, before);
    enlist(c, f);
}

static int get_far(struct filecache *c, const struct file_key *key,
                   const struct file_moment *moment, struct cached_file **ret)
{
    const struct question *one;
    int r = questions_file(c->questions, key, find_cached(c, key), moment, &one);
    if (r < 0)
        return r;
    c->swapped = c->swapped || one->is_swapped;
    if (one->error < 0)
        return one->error;
    struct cached_file *f = one->is_known ? one->known : one->own;
    if (f->listed)
        f->in_memory.wanted = true;
    else if (f->body && one->is_lasting)
        keep_far(c, f);
    f->references++;
    *ret = f;
    return 0;
}

// Whether others look at it, and this loop must not.
static bool is_far(const struct filecache *c, const struct file_key *key)
{
    return UNLIKELY(!key->tree->is_local) && c->questions;
}

int filecache_get(struct filecache *c, const struct file_key *key, const struct file_moment *moment,
                  struct cached_file **ret)
{
    if (is_far(c, key))
        return get_far(c, key, moment, ret);
    struct cached_file *f = find_cached(c, key);
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
        f = cached_file_new(key);
        if (!f)
            return -ENOMEM;
        check_tree_once(c, key->tree, moment->group);
        int r = fill_file(c, f, moment->wall_s);
        if (r == -ENOENT)
            remember_missing(c, f, moment->group);
        else if (r < 0)
            cached_file_free(f);
        if (r < 0)
            return r;
    }
    f->checked = moment->group;
    *ret = f;
    return 0;
}

int filecache_look_at_directory(struct filecache *c, const struct file_key *key,
                                const struct file_moment *moment)
{
    struct file_identity id;
    struct rootfs root = key->tree->root;
    if (is_far(c, key))
        return questions_directory(c->questions, key, moment);
    root.links = key->links;
    int r = rootfs_look(&root, key->path.ptr, &id);
    return r == 0 && !S_ISDIR(id.mode) ? -ENOTDIR : r;
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

void filecache_cleanup(struct filecache *c)
{
    struct list *first;
    while ((first = list_first(&c->memory.order.items)))
        unlist(c, CONTAINER_OF(first, struct cached_file, in_memory.link));
    while ((first = list_first(&c->files.order.items)))
        unlist(c, CONTAINER_OF(first, struct cached_file, in_files.link));
    for (size_t i = 0; i < FILECACHE_MISSING; i++)
        if (c->missing[i])
            cached_file_free(c->missing[i]);
    free(c->buckets);
    c->buckets = NULL;
}
