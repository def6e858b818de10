#include "sys/crew.h"

#include "base/util.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

// How long a crew that does not get on is waited for before it grows.
#define PATIENCE_NS (10 * 1000000L)

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t progress;
    size_t count, next, done;
    crew_job_cb *job;
    void *context;
};

static void *do_jobs(void *argument)
{
    struct crew *c = argument;
    pthread_mutex_lock(&c->lock);
    while (c->next < c->count) {
        size_t number = c->next++;
        pthread_mutex_unlock(&c->lock);
        c->job(c->context, number);
        pthread_mutex_lock(&c->lock);
        c->done++;
        pthread_cond_signal(&c->progress);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

// With the lock. False: nothing was done meanwhile.
static bool await_progress(struct crew *c)
{
    struct timespec until;
    size_t before = c->done;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PATIENCE_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&c->progress, &c->lock, &until);
    return c->done != before;
}

// As many more, as far as there is work and the system allows. How many there are then.
static size_t double_threads(struct crew *c, pthread_t *threads, size_t count)
{
    size_t left = MIN(c->count - c->next, c->count - count);
    size_t wanted = count + MIN(MAX(count, 1), left);
    while (count < wanted && pthread_create(&threads[count], NULL, do_jobs, c) == 0)
        count++;
    return count;
}

void crew_run(size_t count, crew_job_cb *job, void *context)
{
    struct crew c = {.lock = PTHREAD_MUTEX_INITIALIZER,
                     .progress = PTHREAD_COND_INITIALIZER,
                     .count = count,
                     .job = job,
                     .context = context};
    pthread_t *threads = calloc(count + 1, sizeof(*threads));
    size_t started = 0;
    pthread_mutex_lock(&c.lock);
    if (threads)
        started = double_threads(&c, threads, 0);
    while (started && c.done < count)
        if (!await_progress(&c))
            started = double_threads(&c, threads, started);
    pthread_mutex_unlock(&c.lock);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    do_jobs(&c); // all of them, where there can be no thread
    free(threads);
}
