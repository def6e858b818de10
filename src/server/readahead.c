#include "server/readahead.h"

#include "base/util.h"
#include "content/cached_file.h"
#include "content/snapshot.h"
#include "sys/pagecache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int readahead_init(struct readahead *r)
{
    *r = (struct readahead){.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (r->fd < 0)
        return -errno;
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->wanted, NULL);
    return 0;
}

void readahead_free(struct reading *one)
{
    if (one->file)
        cached_file_release(one->file);
    free(one);
}

static void free_all(struct reading *list)
{
    while (list) {
        struct reading *next = list->next;
        readahead_free(list);
        list = next;
    }
}

void readahead_cleanup(struct readahead *r)
{
    if (r->fd < 0)
        return;
    pthread_mutex_lock(&r->mutex);
    r->ending = true;
    pthread_cond_broadcast(&r->wanted);
    pthread_mutex_unlock(&r->mutex);
    for (size_t i = 0; i < r->thread_count; i++)
        pthread_join(r->threads[i], NULL);
    free_all(r->first);
    free_all(r->done);
    pthread_cond_destroy(&r->wanted);
    pthread_mutex_destroy(&r->mutex);
    close(r->fd);
    r->fd = -1;
}

// ---- the threads -------------------------------------------------------------------------------

// The next one to be read; NULL: the end has come. With the mutex.
static struct reading *await_work(struct readahead *r)
{
    r->idle++;
    while (!r->first && !r->ending)
        pthread_cond_wait(&r->wanted, &r->mutex);
    r->idle--;
    if (r->ending)
        return NULL;
    struct reading *one = r->first;
    r->first = one->next;
    r->queued--;
    return one;
}

static void read_one(const struct reading *one)
{
    if (one->snapshot)
        snapshot_read(one->snapshot);
    else
        pagecache_load(one->file->fd, one->offset, one->len);
}

static void *run_reader(void *context)
{
    struct readahead *r = context;
    struct reading *one;
    pthread_mutex_lock(&r->mutex);
    while ((one = await_work(r))) {
        pthread_mutex_unlock(&r->mutex);
        read_one(one);
        pthread_mutex_lock(&r->mutex);
        one->next = r->done;
        r->done = one;
        eventfd_write(r->fd, 1);
    }
    pthread_mutex_unlock(&r->mutex);
    return NULL;
}

// ---- the loop ----------------------------------------------------------------------------------

// With the mutex. False: there is no thread at all.
static bool has_threads(struct readahead *r)
{
    if (r->queued >= r->idle && r->thread_count < READAHEAD_THREADS &&
        pthread_create(&r->threads[r->thread_count], NULL, run_reader, r) == 0)
        r->thread_count++;
    return r->thread_count > 0;
}

static void append_reading(struct readahead *r, struct reading *one)
{
    if (r->first)
        r->last->next = one;
    else
        r->first = one;
    r->last = one;
    r->queued++;
}

// NULL: it cannot be done.
static struct reading *start(struct readahead *r, const struct reading *what)
{
    struct reading *one = malloc(sizeof(*one));
    if (!one)
        return NULL;
    *one = *what;
    pthread_mutex_lock(&r->mutex);
    bool can = has_threads(r);
    if (can) {
        append_reading(r, one);
        pthread_cond_signal(&r->wanted);
    }
    pthread_mutex_unlock(&r->mutex);
    if (can)
        return one;
    free(one);
    return NULL;
}

// ---- far away ----------------------------------------------------------------------------------

// In a thread of the file system's.
static void read_far(struct askers_job *job)
{
    struct reading *one = CONTAINER_OF(job, struct reading, job);
    ssize_t n = 1;
    if (one->snapshot) {
        snapshot_read(one->snapshot);
        return;
    }
    while (one->got < one->len && n > 0) {
        n = pagecache_wait(one->file->far->fd, one->offset + one->got, one->data + one->got,
                           one->len - one->got);
        one->got += n > 0 ? (size_t)n : 0;
    }
}

static void note_far(struct askers_job *job)
{
    struct reading *one = CONTAINER_OF(job, struct reading, job);
    struct readahead *r = one->owner;
    pthread_mutex_lock(&r->mutex);
    one->next = r->done;
    r->done = one;
    pthread_mutex_unlock(&r->mutex);
    eventfd_write(r->fd, 1);
}

static struct reading *start_far(struct readahead *r, struct askers *askers,
                                 const struct reading *what)
{
    size_t room = what->snapshot ? 0 : what->len;
    struct reading *one = malloc(sizeof(*one) + room);
    if (!one)
        return NULL;
    *one = *what;
    one->owner = r;
    one->job = (struct askers_job){.run = read_far, .done = note_far};
    askers_submit(askers, &one->job);
    return one;
}

// ---- both --------------------------------------------------------------------------------------

struct reading *readahead_start(struct readahead *r, struct cached_file *file, struct range range,
                                struct conn *waiting)
{
    struct reading what = {
        .file = file, .offset = range.offset, .len = (size_t)range.length, .conn = waiting};
    if (file->far)
        what.len = MIN(what.len, READAHEAD_FAR);
    file->references++;
    struct reading *one = file->far ? start_far(r, file->far->askers, &what) : start(r, &what);
    if (!one)
        file->references--;
    return one;
}

bool readahead_list(struct readahead *r, struct snapshot *snapshot, struct askers *askers)
{
    const struct reading what = {.snapshot = snapshot};
    return (askers ? start_far(r, askers, &what) : start(r, &what)) != NULL;
}

struct reading *readahead_take(struct readahead *r)
{
    eventfd_t count;
    eventfd_read(r->fd, &count);
    pthread_mutex_lock(&r->mutex);
    struct reading *done = r->done;
    r->done = NULL;
    pthread_mutex_unlock(&r->mutex);
    return done;
}
