#include "sys/askers.h"

#include "base/util.h"
#include "sys/fdtable.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct askers {
    int told;
    int *keep; // for the first thread
    size_t keep_count;
    pthread_mutex_t lock;
    pthread_cond_t wanted;  // there is a job, or the end has come
    pthread_cond_t changed; // a thread has left the table, or ended
    // With the lock:
    struct askers_job *first, *last; // to be done
    struct askers_job *done_jobs;
    bool has_left; // the process's table
    bool is_ending;
    size_t idle, running; // threads
    size_t thread_count;  // that were started
    pthread_t threads[ASKERS_THREADS];
};

// ---- the threads -------------------------------------------------------------------------------

static void *run_asker(void *context);

// With the lock. They are started by each other, for so they have one table.
static void add_asker(struct askers *a)
{
    if (a->thread_count < ASKERS_THREADS &&
        pthread_create(&a->threads[a->thread_count], NULL, run_asker, a) == 0) {
        a->thread_count++;
        a->running++;
    }
}

static struct askers_job *take_first(struct askers *a)
{
    struct askers_job *job = a->first;
    a->first = job->next;
    return job;
}

// The next job; NULL: the end has come, and all are done. With the lock.
static struct askers_job *await_job(struct askers *a)
{
    a->idle++;
    while (!a->first && !a->is_ending)
        pthread_cond_wait(&a->wanted, &a->lock);
    a->idle--;
    return a->first ? take_first(a) : NULL;
}

// With the lock, which is let go of meanwhile.
static void do_job(struct askers *a, struct askers_job *job)
{
    bool is_told = job->done;
    pthread_mutex_unlock(&a->lock);
    job->run(job);
    pthread_mutex_lock(&a->lock);
    if (!is_told)
        return;
    job->next = a->done_jobs;
    a->done_jobs = job;
    eventfd_write(a->told, 1);
}

static void do_all_jobs(struct askers *a)
{
    struct askers_job *job;
    while ((job = await_job(a))) {
        if (a->idle == 0)
            add_asker(a);
        do_job(a, job);
    }
}

static void *run_asker(void *context)
{
    struct askers *a = context;
    pthread_mutex_lock(&a->lock);
    do_all_jobs(a);
    a->running--;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

static void *run_first_asker(void *context)
{
    struct askers *a = context;
    if (fdtable_leave() == 0)
        fdtable_close_others(0, a->keep, a->keep_count);
    pthread_mutex_lock(&a->lock);
    a->has_left = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    return run_asker(a);
}

// ---- the loop ----------------------------------------------------------------------------------

static bool start_askers(struct askers *a)
{
    if (pthread_create(&a->threads[0], NULL, run_first_asker, a) != 0)
        return false;
    pthread_mutex_lock(&a->lock);
    a->thread_count = 1;
    a->running = 1;
    while (!a->has_left)
        pthread_cond_wait(&a->changed, &a->lock);
    pthread_mutex_unlock(&a->lock);
    return true;
}

void askers_free(struct askers *a)
{
    pthread_cond_destroy(&a->wanted);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    free(a->keep);
    free(a);
}

struct askers *askers_new(const int *keep, size_t count, int told)
{
    struct askers *a = calloc(1, sizeof(*a));
    int *kept = calloc(count + 1, sizeof(*kept));
    if (!a || !kept) {
        free(a);
        free(kept);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        kept[i] = keep[i];
    kept[count] = told;
    a->keep = kept;
    a->keep_count = count + 1;
    a->told = told;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wanted, NULL);
    pthread_cond_init(&a->changed, NULL);
    if (start_askers(a))
        return a;
    askers_free(a);
    return NULL;
}

void askers_submit(struct askers *a, struct askers_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&a->lock);
    if (a->first)
        a->last->next = job;
    else
        a->first = job;
    a->last = job;
    pthread_cond_signal(&a->wanted);
    pthread_mutex_unlock(&a->lock);
}

void askers_take(struct askers *a)
{
    struct askers_job *next;
    pthread_mutex_lock(&a->lock);
    struct askers_job *job = a->done_jobs;
    a->done_jobs = NULL;
    pthread_mutex_unlock(&a->lock);
    for (; job; job = next) {
        next = job->next;
        job->done(job);
    }
}

// With the lock. False: some thread still runs.
static bool await_end(struct askers *a)
{
    struct timespec until;
    int error = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ASKERS_END_TIME * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (a->running > 0 && error == 0)
        error = pthread_cond_timedwait(&a->changed, &a->lock, &until);
    return a->running == 0;
}

bool askers_end(struct askers *a)
{
    pthread_mutex_lock(&a->lock);
    a->is_ending = true;
    pthread_cond_broadcast(&a->wanted);
    bool has_ended = await_end(a);
    pthread_mutex_unlock(&a->lock);
    if (!has_ended)
        return false;
    for (size_t i = 0; i < a->thread_count; i++)
        pthread_join(a->threads[i], NULL);
    a->thread_count = 0;
    return true;
}

// ---- files -------------------------------------------------------------------------------------

static void close_file(struct askers_job *job)
{
    struct askers_file *f = CONTAINER_OF(job, struct askers_file, close);
    close(f->fd);
    free(f);
}

struct askers_file *askers_file_new(struct askers *a, int fd)
{
    struct askers_file *f = malloc(sizeof(*f));
    if (f)
        *f = (struct askers_file){.close = {.run = close_file}, .askers = a, .fd = fd};
    return f;
}

void askers_file_close(struct askers_file *f)
{
    if (f->askers->thread_count == 0)
        free(f);
    else
        askers_submit(f->askers, &f->close);
}
