#include "server/readahead.h"

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

struct reading *readahead_start(struct readahead *r, struct cached_file *file, struct range range,
                                struct conn *waiting)
{
    const struct reading what = {
        .file = file, .offset = range.offset, .len = (size_t)range.length, .conn = waiting};
    struct reading *one = start(r, &what);
    if (one)
        file->references++;
    return one;
}

bool readahead_list(struct readahead *r, struct snapshot *snapshot)
{
    return start(r, &(struct reading){.snapshot = snapshot}) != NULL;
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
