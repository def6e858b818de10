#include "daemon/upkeep.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/postmortem.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <signal.h>

// A worker that hangs gets this long to end by SIGABRT, which a debugger that waits for it sees.
#define ABORT_TIME 1000 // ms

static uint64_t threads_of(const struct generation *g)
{
    return g->conf->threads;
}

static struct supervise_limits limits_of(const struct generation *g)
{
    return (struct supervise_limits){g->conf->limits.worker_requests,
                                     (int64_t)g->conf->limits.worker_age};
}

static void kill_by(struct generation_worker *w, int64_t when)
{
    if (w->kill_at == 0 || when < w->kill_at)
        w->kill_at = when;
}

// ---- hanging -----------------------------------------------------------------------------------

// How long its loops may stand still. They do not run before it is ready.
static int64_t patience(const struct generation *g, const struct generation_worker *w)
{
    return w->policy.phase == SUPERVISE_STARTING ? GENERATION_START_TIME
                                                 : (int64_t)g->conf->timeouts.watchdog;
}

static void end_hung(struct generation *g, unsigned worker, uint64_t loop, int64_t still,
                     int64_t now)
{
    struct generation_worker *w = &g->workers[worker];
    char text[POSTMORTEM_MAX];
    struct buf b = buf_make(text, sizeof(text));
    postmortem_describe(&b, &generation_slots(g, worker)[loop], 1, now);
    log_event(EVENT_WORKER_HANGS, &(struct event_fields){g->id, worker, (int)w->child.pid, 0, NULL},
              "worker %u of generation %u (pid %d) hangs: loop %" PRIu64
              " stands still for %" PRId64 " ms%.*s",
              worker, g->id, (int)w->child.pid, loop, still, (int)b.len, text);
    w->hangs = true;
    kill_by(w, now + ABORT_TIME);
    kill(w->child.pid, SIGABRT);
    generation_poke(g); // what it was woken for is for the others
}

static void watch_worker(struct generation *g, unsigned worker, int64_t passed, int64_t now)
{
    struct generation_worker *w = &g->workers[worker];
    struct scoreboard_slot *slots = generation_slots(g, worker);
    struct watchdog *watchdogs = &g->watchdogs[worker * threads_of(g)];
    for (uint64_t i = 0; i < threads_of(g); i++) {
        uint64_t beat = atomic_load_explicit(&slots[i].beat, memory_order_relaxed);
        int64_t still = watchdog_look(&watchdogs[i], beat, passed);
        bool has_ended = atomic_load_explicit(&slots[i].phase, memory_order_relaxed) ==
                         SCOREBOARD_ENDED;
        if (!w->hangs && !has_ended && still >= patience(g, w))
            end_hung(g, worker, i, still, now);
    }
}

// ---- replacing ---------------------------------------------------------------------------------

static uint64_t requests_of(const struct generation *g, unsigned worker)
{
    uint64_t requests = 0;
    for (uint64_t i = 0; i < threads_of(g); i++)
        requests += atomic_load_explicit(&generation_slots(g, worker)[i].requests,
                                         memory_order_relaxed);
    return requests;
}

static bool is_free(const struct generation_worker *w)
{
    return w->policy.phase == SUPERVISE_RETIRED && w->child.pid == 0;
}

// The worker that has served for longest of those that have served long enough, or NULL.
static struct generation_worker *find_worn(const struct generation *g, int64_t now)
{
    const struct supervise_limits limits = limits_of(g);
    struct generation_worker *worn = NULL;
    for (unsigned i = 0; i < g->worker_count; i++) {
        struct generation_worker *w = &g->workers[i];
        if (supervise_is_worn(&w->policy, &limits, requests_of(g, i), (uint32_t)w->child.pid,
                              now) &&
            (!worn || w->policy.ready_at < worn->policy.ready_at))
            worn = w;
    }
    return worn;
}

static struct generation_worker *find_free(const struct generation *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        if (is_free(&g->workers[i]))
            return &g->workers[i];
    return NULL;
}

static void replace_worn(struct generation *g, int64_t now)
{
    if (g->replaced)
        return;
    struct generation_worker *old = find_worn(g, now);
    struct generation_worker *place = old ? find_free(g) : NULL;
    if (!place)
        return;
    unsigned number = (unsigned)(old - g->workers);
    log_event(EVENT_WORKER_REPLACED,
              &(struct event_fields){g->id, number, (int)old->child.pid, 0, NULL},
              "worker %u of generation %u (pid %d) is replaced after %" PRIu64
              " requests and %" PRId64 " s",
              number, g->id, (int)old->child.pid, requests_of(g, number),
              (now - old->policy.ready_at) / 1000);
    g->replaced = old;
    g->successor = place;
    place->policy = (struct supervise){0};
}

static void retire_replaced(struct generation *g, int64_t now)
{
    supervise_retire(&g->replaced->policy);
    generation_retire_worker(g, (unsigned)(g->replaced - g->workers));
    kill_by(g->replaced, now + (int64_t)g->conf->timeouts.drain + GENERATION_KILL_DELAY);
}

// ---- what the master calls ---------------------------------------------------------------------

static void look(struct generation *g, int64_t now)
{
    int64_t passed = now - g->looked;
    g->looked = now;
    for (unsigned i = 0; i < g->worker_count && g->conf->timeouts.watchdog; i++)
        if (g->workers[i].child.pid)
            watch_worker(g, i, passed, now);
    if (g->phase == GENERATION_CURRENT)
        replace_worn(g, now);
}

static void kill_late(struct generation_worker *w, int64_t now)
{
    if (w->kill_at == 0 || now < w->kill_at || w->child.pid == 0)
        return;
    kill(w->child.pid, SIGKILL);
    w->kill_at = now + GENERATION_KILL_DELAY; // one that waits for a disk dies when it likes
}

void upkeep_do_due(struct generation *g, int64_t now)
{
    if (now - g->looked >= WATCHDOG_PERIOD)
        look(g, now);
    for (unsigned i = 0; i < g->worker_count; i++)
        kill_late(&g->workers[i], now);
}

int64_t upkeep_next(const struct generation *g)
{
    int64_t next = g->alive ? g->looked + WATCHDOG_PERIOD : -1;
    for (unsigned i = 0; i < g->worker_count; i++) {
        int64_t kill_at = g->workers[i].kill_at;
        next = clock_earlier(next, kill_at ? kill_at : -1);
    }
    return next;
}

bool upkeep_is_healthy(const struct generation *g)
{
    if (!g->watchdogs) // of another image
        return true;
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].policy.phase == SUPERVISE_READY && !g->workers[i].hangs)
            return true;
    return false;
}

static void reset_watchdogs(struct generation *g, unsigned worker)
{
    for (uint64_t i = 0; i < threads_of(g); i++)
        g->watchdogs[worker * threads_of(g) + i] = (struct watchdog){0};
}

void upkeep_worker_ready(struct generation *g, unsigned worker, int64_t now)
{
    reset_watchdogs(g, worker);
    if (g->replaced && g->successor == &g->workers[worker] && g->phase == GENERATION_CURRENT)
        retire_replaced(g, now);
}

void upkeep_worker_ended(struct generation *g, unsigned worker)
{
    struct generation_worker *w = &g->workers[worker];
    reset_watchdogs(g, worker);
    w->kill_at = 0;
    w->hangs = false;
    if (w != g->replaced)
        return;
    supervise_retire(&w->policy); // also if it died before its time: its successor is on the way
    g->replaced = g->successor = NULL;
}
