#include "daemon/upgrade_adopt.h"

#include "base/util.h"
#include "daemon/handover.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>

// Workers that are ending have their own deadline; this one is for those that do not keep it.
#define ENDING_MARGIN 2000 // ms

// ---- taking over -------------------------------------------------------------------------------

static bool take_listeners(struct generation *g, const struct upgrade_state *s)
{
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct upgrade_state_listener *from = &s->listeners[i];
        const struct listeners_entry entry = {
            .wanted = from->wanted, .fd = from->fd, .inherited = from->inherited};
        if (!listeners_append(&g->listeners, &entry))
            return false;
    }
    return true;
}

static bool take_worker(struct generation *g, unsigned i, const struct upgrade_state_worker *from)
{
    struct worker_process *w = &g->workers[i];
    worker_process_init(w, g, i);
    w->child = (struct child){.pid = from->pid, .pidfd = from->pidfd, .channel = from->channel};
    w->knows_pairs = from->knows_pairs;
    if (from->handoff)
        handover_adopt(w, from->handoff);
    supervise_retire(&w->policy); // what it is made of is not known here
    g->alive++;
    return worker_process_watch(w, from->words) == 0;
}

static unsigned count_workers(const struct upgrade_state *s, size_t at)
{
    size_t end = at;
    while (end < s->worker_count && s->workers[end].generation == s->workers[at].generation)
        end++;
    return (unsigned)(end - at);
}

// A generation without workers; NULL: no memory.
static struct generation *make_adopted(struct generation_maker *maker,
                                       const struct upgrade_state *s, unsigned id, unsigned workers)
{
    struct generation *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    list_init(&g->link);
    g->id = id;
    g->phase = GENERATION_CURRENT;
    g->sandbox = SANDBOX_NONE;
    g->maker = maker;
    g->ended_at = clock_now();
    g->worker_count = g->wanted = workers;
    g->workers = calloc(workers + 1, sizeof(*g->workers));
    g->served = served_make(calloc(1, sizeof(*g->served.conf)));
    if (g->served.conf)
        g->served.conf->timeouts.drain = s->drain;
    return g;
}

// Of one that was adopted but for what is missing: nothing of the state goes with it.
static struct generation *give_up_adopted(struct generation *g)
{
    g->listeners.count = 0; // the sockets are to live
    generation_free(g, NULL);
    return NULL;
}

struct generation *upgrade_adopt_workers(struct generation_maker *maker,
                                         const struct upgrade_state *s, size_t *at)
{
    const struct upgrade_state_worker *first = &s->workers[*at];
    struct generation *g = make_adopted(maker, s, first->generation, count_workers(s, *at));
    if (!g)
        return NULL;
    if (first->ending) {
        g->phase = GENERATION_ENDING;
        generation_kill_at(g, g->ended_at + (int64_t)s->drain + ENDING_MARGIN);
    }
    bool good = g->workers && g->served.conf && (first->ending || take_listeners(g, s));
    for (unsigned i = 0; good && i < g->worker_count; i++)
        good = take_worker(g, i, &s->workers[*at + i]);
    if (!good)
        return give_up_adopted(g);
    *at += g->worker_count;
    return g;
}

struct generation *upgrade_adopt_listeners(struct generation_maker *maker,
                                           const struct upgrade_state *s)
{
    struct generation *g = make_adopted(maker, s, s->last_id, 0);
    if (g && !(g->workers && g->served.conf && take_listeners(g, s)))
        return give_up_adopted(g);
    return g;
}

// ---- passing on --------------------------------------------------------------------------------

static void describe_listeners(const struct generation *g, struct upgrade_state *s)
{
    for (size_t i = 0; i < g->listeners.count; i++) {
        const struct listeners_entry *e = &g->listeners.items[i];
        s->listeners[s->listener_count++] = (struct upgrade_state_listener){e->fd, e->inherited,
                                                                            e->wanted};
    }
}

static void describe_workers(const struct generation *g, struct upgrade_state *s)
{
    for (unsigned i = 0; i < g->worker_count; i++) {
        const struct worker_process *w = &g->workers[i];
        if (w->child.pid)
            s->workers[s->worker_count++] = (struct upgrade_state_worker){
                .generation = g->id,
                .ending = g->phase == GENERATION_ENDING,
                .pid = w->child.pid,
                .channel = w->child.channel,
                .pidfd = w->child.pidfd,
                .knows_pairs = w->knows_pairs,
                .handoff = MAX(handover_of(w), 0),
                .words = child_stderr_end(&w->words)};
    }
}

int upgrade_adopt_describe(struct list *generations, const struct generation *current,
                           struct upgrade_state *ret)
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
    ret->drain = current->served.conf->timeouts.drain;
    return 0;
}
