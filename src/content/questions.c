#include "content/questions.h"

#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

// Answers of a file system that are kept for requests that still wait for others.
#define ANSWERED_MAX (4 * QUESTIONS_WAITING)

// ---- making and unmaking -----------------------------------------------------------------------

static bool may_hang(const struct tree *tree)
{
    return !tree->is_local && !tree->silent;
}

static size_t count_far(const struct sites *sites)
{
    size_t count = 0;
    for (size_t i = 0; i < sites->count; i++)
        for (size_t t = 0; t < sites->items[i].tree_count; t++)
            count += may_hang(&sites->items[i].trees[t]);
    return count;
}

struct question_fs *questions_fs(struct questions *q, const struct tree *tree)
{
    size_t i = 0;
    while (i < q->fs_count && q->fs[i].dev != tree->dev)
        i++;
    return i < q->fs_count ? &q->fs[i] : NULL;
}

static void note_fs(struct questions *q, const struct tree *tree)
{
    if (!may_hang(tree) || questions_fs(q, tree))
        return;
    struct question_fs *fs = &q->fs[q->fs_count++];
    *fs = (struct question_fs){.dev = tree->dev, .directory = tree->directory};
    list_init(&fs->answered);
}

// A listing looks at the roots of mounts in it: so all have all roots.
static int start_asking(struct questions *q, const struct sites *sites)
{
    size_t count = sites_fd_count(sites);
    int *fds = calloc(count + 1, sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    sites_fds(sites, fds);
    for (size_t i = 0; i < q->fs_count; i++)
        q->fs[i].askers = askers_new(fds, count, q->fd);
    free(fds);
    return 0;
}

int questions_init(struct questions *q, const struct sites *sites, const struct mimetable *types)
{
    size_t count = count_far(sites);
    *q = (struct questions){.fd = -1, .types = types};
    if (count == 0)
        return 0;
    q->fs = calloc(count, sizeof(*q->fs));
    if (!q->fs)
        return -ENOMEM;
    q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (q->fd < 0)
        return -errno;
    for (size_t i = 0; i < sites->count; i++)
        for (size_t t = 0; t < sites->items[i].tree_count; t++)
            note_fs(q, &sites->items[i].trees[t]);
    return start_asking(q, sites);
}

static struct question **bucket_of_key(struct questions *q, const struct file_key *key)
{
    return &q->buckets[cached_file_hash_key(key) % QUESTIONS_BUCKETS];
}

static void free_question(struct questions *q, struct question *one)
{
    struct question **at = bucket_of_key(q, &one->own->key);
    while (*at != one)
        at = &(*at)->next_in_bucket;
    *at = one->next_in_bucket;
    list_remove(&one->link);
    one->fs->answered_count--;
    if (one->known)
        cached_file_release(one->known);
    cached_file_release(one->own);
    free(one);
}

static void forget_answers(struct questions *q, struct question_fs *fs)
{
    struct list *first;
    while ((first = list_first(&fs->answered)))
        free_question(q, CONTAINER_OF(first, struct question, link));
}

// A request counts in one file system, and may need answers of another one as well.
void questions_forget(struct questions *q)
{
    size_t waiting = 0;
    for (size_t i = 0; i < q->fs_count; i++)
        waiting += q->fs[i].waiting;
    for (size_t i = 0; i < q->fs_count && waiting == 0; i++)
        forget_answers(q, &q->fs[i]);
}

const char *questions_end(struct questions *q)
{
    const char *silent = NULL;
    for (size_t i = 0; i < q->fs_count; i++) {
        struct question_fs *fs = &q->fs[i];
        fs->is_left = fs->askers && !askers_end(fs->askers);
        if (fs->is_left)
            silent = fs->directory;
        else if (fs->askers)
            askers_take(fs->askers);
    }
    return silent;
}

void questions_cleanup(struct questions *q)
{
    bool is_left = false;
    for (size_t i = 0; i < q->fs_count; i++) {
        struct question_fs *fs = &q->fs[i];
        is_left = is_left || fs->is_left;
        if (fs->askers && !fs->is_left) {
            forget_answers(q, fs);
            askers_free(fs->askers);
        }
    }
    if (is_left)
        return;
    free(q->fs);
    if (q->fd >= 0)
        close(q->fd);
    *q = (struct questions){.fd = -1};
}

// ---- in a thread -------------------------------------------------------------------------------

static bool is_as_known(const struct question *one)
{
    const struct cached_file *f = one->known;
    return f && !rootfs_is_young(&f->identity, one->wall_s) &&
           (cached_file_is_at_path(f) || cached_file_is_in_tree(f)) &&
           cached_file_has_current_digest(f);
}

// Has the open file in memory, or kept open by the threads.
static int load_file(struct question *one, struct cached_file *f, bool *ret_same)
{
    int r = 0;
    f->about.size = f->identity.size;
    *ret_same = true;
    if (f->identity.size <= CACHED_FILE_BODY_MAX)
        r = cached_file_load_body(f, ret_same);
    else if (!(f->far = askers_file_new(one->fs->askers, f->fd)))
        r = -ENOMEM;
    if (f->far)
        f->fd = -1;
    else
        cached_file_close_fd(f);
    return r;
}

static int fetch_wanted(struct question *one)
{
    struct cached_file *f = one->own;
    bool is_same;
    int r = cached_file_open(f);
    if (r < 0) {
        if (f->fd >= 0)
            cached_file_close_fd(f);
        return r;
    }
    bool is_lasting = cached_file_read_digest(f, one->wall_s) &&
                      !rootfs_is_young(&f->identity, one->wall_s);
    r = load_file(one, f, &is_same);
    if (r < 0)
        return r;
    one->is_lasting = is_lasting && is_same;
    return cached_file_describe(f, one->types, one->is_lasting, one->wall_s);
}

static int look_for_directory(const struct question *one)
{
    const struct file_key *key = &one->own->key;
    struct rootfs root = key->tree->root;
    struct file_identity id;
    root.links = key->links;
    int r = rootfs_look(&root, key->path.ptr, &id);
    return r == 0 && !S_ISDIR(id.mode) ? -ENOTDIR : r;
}

static void ask(struct askers_job *job)
{
    struct question *one = CONTAINER_OF(job, struct question, job);
    atomic_store(&one->has_begun, true);
    one->is_swapped = sites_tree_is_swapped(one->own->key.tree);
    if (one->is_directory)
        one->error = look_for_directory(one);
    else if (is_as_known(one))
        one->is_known = one->is_lasting = true;
    else
        one->error = fetch_wanted(one);
}

// ---- in the loop -------------------------------------------------------------------------------

struct wanted {
    const struct file_key *key;
    struct cached_file *known; // or NULL
    bool is_directory;
};

static struct question *question_of(struct list *link)
{
    return CONTAINER_OF(link, struct question, link);
}

// Makes room for answers that somebody may still need.
static void drop_oldest(struct questions *q, struct question_fs *fs)
{
    struct list *next;
    for (struct list *l = fs->answered.next;
         l != &fs->answered && fs->answered_count > ANSWERED_MAX; l = next) {
        next = l->next;
        if (question_of(l)->awaited == 0)
            free_question(q, question_of(l));
    }
}

static void take_answer(struct askers_job *job)
{
    struct question *one = CONTAINER_OF(job, struct question, job);
    one->is_answered = true;
    one->fs->open--;
    list_append(&one->fs->answered, &one->link);
    one->fs->answered_count++;
}

void questions_take(struct questions *q)
{
    eventfd_t count;
    eventfd_read(q->fd, &count);
    for (size_t i = 0; i < q->fs_count; i++) {
        struct question_fs *fs = &q->fs[i];
        if (!fs->askers)
            continue;
        askers_take(fs->askers);
        drop_oldest(q, fs);
    }
    questions_forget(q);
}

static struct question *new_question(struct questions *q, const struct wanted *w,
                                     const struct file_moment *moment)
{
    struct question *one = calloc(1, sizeof(*one));
    struct cached_file *own = one ? cached_file_new(w->key) : NULL;
    if (!own) {
        free(one);
        return NULL;
    }
    one->job = (struct askers_job){.run = ask, .done = take_answer};
    list_init(&one->link);
    one->is_directory = w->is_directory;
    one->own = own;
    one->known = w->known;
    if (w->known)
        w->known->references++;
    one->asked = moment->group;
    one->wall_s = moment->wall_s;
    one->types = q->types;
    struct question **bucket = bucket_of_key(q, w->key);
    one->next_in_bucket = *bucket;
    *bucket = one;
    return one;
}

// A question whose answer is, or will be, no older than the request.
static struct question *find_question(struct questions *q, const struct wanted *w, uint64_t group)
{
    struct question *one = *bucket_of_key(q, w->key);
    for (; one; one = one->next_in_bucket) {
        if (one->is_directory != w->is_directory || !cached_file_same_key(&one->own->key, w->key))
            continue;
        if (one->asked >= q->turn.since)
            return one;
        if (!one->is_answered && !atomic_load(&one->has_begun)) {
            one->asked = group;
            return one;
        }
    }
    return NULL;
}

static int put_question(struct questions *q, const struct wanted *w,
                        const struct file_moment *moment, struct question **ret)
{
    struct question_fs *fs = questions_fs(q, w->key->tree);
    if (q->turn.is_late)
        return -ETIMEDOUT;
    if (!fs || !fs->askers)
        return -ENOMEM;
    if (fs->open >= QUESTIONS_WAITING)
        return -EBUSY;
    struct question *one = new_question(q, w, moment);
    if (!one)
        return -ENOMEM;
    one->fs = fs;
    fs->open++;
    askers_submit(fs->askers, &one->job);
    *ret = one;
    return 0;
}

static int get_answer(struct questions *q, const struct wanted *w, const struct file_moment *moment,
                      const struct question **ret)
{
    struct question_turn *turn = &q->turn;
    struct question *one = find_question(q, w, moment->group);
    int r = one ? 0 : put_question(q, w, moment, &one);
    if (r < 0)
        return r;
    if (one->is_answered) {
        turn->is_swapped = turn->is_swapped || one->is_swapped;
        *ret = one;
        return 0;
    }
    if (turn->is_late)
        return -ETIMEDOUT;
    if (!turn->waits && one->fs->waiting >= QUESTIONS_WAITING)
        return -EBUSY;
    turn->awaited = one;
    return -EINPROGRESS;
}

int questions_file(struct questions *q, const struct file_key *key, struct cached_file *known,
                   const struct file_moment *moment, const struct question **ret)
{
    return get_answer(q, &(struct wanted){key, known, false}, moment, ret);
}

int questions_directory(struct questions *q, const struct file_key *key,
                        const struct file_moment *moment)
{
    const struct question *one;
    int r = get_answer(q, &(struct wanted){key, NULL, true}, moment, &one);
    return r < 0 ? r : one->error;
}
