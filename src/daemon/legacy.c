#include "daemon/legacy.h"

#include "base/util.h"

#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>

// Workers that are ending have their own deadline; this one is for those that do not keep it.
#define ENDING_MARGIN 2000 // ms

// ---- taking over -------------------------------------------------------------------------------

static bool take_listeners(struct generation *g, const struct state *s)
{
    g->listeners.items = calloc(s->listener_count + 1, sizeof(*g->listeners.items));
    if (!g->listeners.items)
        return false;
    for (size_t i = 0; i < s->listener_count; i++)
        g->listeners.items[g->listeners.count++] = (struct listeners_entry){
            .wanted = s->listeners[i].wanted,
            .fd = s->listeners[i].fd,
            .inherited = s->listeners[i].inherited};
    return true;
}

static bool take_worker(struct generation *g, unsigned i, const struct state_worker *from)
{
    struct generation_worker *w = &g->workers[i];
    w->child = (struct child){from->pid, from->pidfd, from->channel};
    w->channel_watch = (struct watch){WATCH_CHANNEL, g, i};
    w->child_watch = (struct watch){WATCH_CHILD, g, i};
    supervise_retire(&w->policy); // what it is made of is not known here
    g->alive++;
    return poller_add(g->poller, w->child.channel, POLLER_IN, &w->channel_watch) == 0 &&
           poller_add(g->poller, w->child.pidfd, POLLER_IN, &w->child_watch) == 0;
}

static unsigned count_workers(const struct state *s, size_t at)
{
    size_t end = at;
    while (end < s->worker_count && s->workers[end].generation == s->workers[at].generation)
        end++;
    return (unsigned)(end - at);
}

struct generation *legacy_adopt(const struct generation_maker *maker, const struct state *s,
                                size_t *at)
{
    const struct state_worker *first = &s->workers[*at];
    struct generation *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    list_init(&g->link);
    g->id = first->generation;
    g->phase = first->ending ? GENERATION_ENDING : GENERATION_CURRENT;
    g->access_log = -1;
    g->sandbox = SANDBOX_NONE;
    g->poller = maker->poller;
    g->handoff = maker->handoff;
    g->ended_at = clock_now();
    g->deadline = g->ended_at + (int64_t)s->drain + ENDING_MARGIN;
    g->worker_count = g->wanted = count_workers(s, *at);
    g->workers = calloc(g->worker_count + 1, sizeof(*g->workers));
    g->conf = calloc(1, sizeof(*g->conf));
    bool good = g->workers && g->conf && (first->ending || take_listeners(g, s));
    for (unsigned i = 0; good && i < g->worker_count; i++)
        good = take_worker(g, i, &s->workers[*at + i]);
    if (!good) {
        g->listeners.count = 0; // the sockets are to live
        generation_free(g, NULL);
        return NULL;
    }
    g->conf->timeouts.drain = s->drain;
    *at += g->worker_count;
    return g;
}

// ---- passing on --------------------------------------------------------------------------------

static void describe_listeners(const struct generation *g, struct state *s)
{
    for (size_t i = 0; i < g->listeners.count; i++) {
        const struct listeners_entry *e = &g->listeners.items[i];
        s->listeners[s->listener_count++] = (struct state_listener){e->fd, e->inherited, e->wanted};
    }
}

static void describe_workers(const struct generation *g, struct state *s)
{
    for (unsigned i = 0; i < g->worker_count; i++) {
        const struct child *c = &g->workers[i].child;
        if (c->pid)
            s->workers[s->worker_count++] = (struct state_worker){
                g->id, g->phase == GENERATION_ENDING, c->pid, c->channel, c->pidfd};
    }
}

int legacy_describe(struct list *generations, const struct generation *current, struct state *ret)
{
    size_t workers = 0;
    for (struct list *l = generations->next; l != generations; l = l->next)
        workers += CONTAINER_OF(l, struct generation, link)->worker_count;
    ret->workers = calloc(workers + 1, sizeof(*ret->workers));
    ret->listeners = calloc(current->listeners.count + 1, sizeof(*ret->listeners));
    if (!ret->workers || !ret->listeners)
        return -ENOMEM;
    for (struct list *l = generations->next; l != generations; l = l->next)
        describe_workers(CONTAINER_OF(l, struct generation, link), ret);
    describe_listeners(current, ret);
    ret->drain = current->conf->timeouts.drain;
    return 0;
}
