#include "precompress/pool.h"

#include "base/util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct pool {
    atomic_size_t next;
    size_t count;
    pool_work *work;
    void *context;
};

static void *take_work(void *argument)
{
    struct pool *p = argument;
    for (size_t i = atomic_fetch_add(&p->next, 1); i < p->count; i = atomic_fetch_add(&p->next, 1))
        p->work(p->context, i);
    return NULL;
}

void pool_run(unsigned threads, size_t count, pool_work *work, void *context)
{
    struct pool p = {.count = count, .work = work, .context = context};
    size_t wanted = MIN(threads, count), started = 0;
    pthread_t *others = calloc(wanted, sizeof(*others));
    while (others && started + 1 < wanted &&
           pthread_create(&others[started], NULL, take_work, &p) == 0)
        started++;
    take_work(&p);
    while (started)
        pthread_join(others[--started], NULL);
    free(others);
}
