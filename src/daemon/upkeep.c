#include "daemon/upkeep.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/generation.h"
#include "daemon/handover.h"
#include "daemon/postmortem.h"
#include "daemon/watchdog.h"
#include "daemon/worker_process.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <signal.h>

// A worker that hangs gets this long to end by SIGABRT, which a debugger that waits for it sees.
#define ABORT_TIME 1000 // ms

static uint64_t threads_of(const struct generation *g)
{
    return g->served.conf->threads;
}

static struct supervise_limits limits_of(const struct generation *g)
{
    return (struct supervise_limits){g->served.conf->limits.worker_requests,
                                     (int64_t)g->served.conf->limits.worker_age};
}

static struct watches *watches_of_generation(const struct generation *g)
{
    return g->maker->watches;
}

static void kill_now(void *context)
{
    struct worker_process *w = context;
    worker_process_kill_hung(w);
}

static void kill_by(struct worker_process *w, int64_t when)
{
    if (timers_is_set(&w->kill) && w->kill.when <= when)
        return;
    timers_set(&watches_of_generation(w->generation)->timers, &w->kill, when);
}

// ---- hanging -----------------------------------------------------------------------------------

// How long its loops may stand still; 0: for ever. They do not run before it is ready, also when it
// was told to end meanwhile.
static int64_t patience(const struct generation *g, const struct worker_process *w)
{
    return w->guard.stage == CHANNEL_GUARD_SILENT ? GENERATION_START_TIME
                                                  : (int64_t)g->served.conf->timeouts.watchdog;
}

static void end_hung(struct generation *g, unsigned worker, uint64_t loop, int64_t still,
                     int64_t now)
{
    struct worker_process *w = &g->workers[worker];
    char text[POSTMORTEM_MAX];
    struct buf b = buf_make(text, sizeof(text));
    const struct scoreboard_place *place = worker_process_place(w);
    const struct scoreboard_place hung = {.slots = &place->slots[loop],
                                          .notes = &place->notes[loop]};
    postmortem_describe(&b, &hung, 1, now);
    log_event(EVENT_WORKER_HANGS, &(struct event_fields){g->id, worker, (int)w->child.pid, 0, NULL},
              "worker %u of generation %u (pid %d) hangs: loop %" PRIu64
              " stands still for %" PRId64 " ms%.*s",
              worker, g->id, (int)w->child.pid, loop, still, (int)b.len, text);
    w->hangs = true;
    kill_by(w, now + ABORT_TIME);
    child_signal(&w->child, SIGABRT);
    generation_poke(g); // what it was woken for is for the others
}

static void watch_worker(struct generation *g, unsigned worker, int64_t passed, int64_t now)
{
    struct worker_process *w = &g->workers[worker];
    const struct scoreboard_place *place = worker_process_place(w);
    struct watchdog *watchdogs = &g->upkeep.watchdogs[worker * threads_of(g)];
    const int64_t most = patience(g, w);
    for (uint64_t i = 0; i < threads_of(g); i++) {
        uint64_t beat = atomic_load_explicit(&place->notes[i].beat, memory_order_relaxed);
        int64_t still = watchdog_look(&watchdogs[i], beat, passed);
        bool has_ended = atomic_load_explicit(&place->slots[i].phase, memory_order_relaxed) ==
                         SCOREBOARD_ENDED;
        if (!w->hangs && !has_ended && most && still >= most)
            end_hung(g, worker, i, still, now);
    }
}

// ---- replacing ---------------------------------------------------------------------------------

static uint64_t requests_of(const struct generation *g, unsigned worker)
{
    const struct scoreboard_place *place = worker_process_place(&g->workers[worker]);
    uint64_t requests = 0;
    for (uint64_t i = 0; i < threads_of(g); i++)
        requests += atomic_load_explicit(&place->slots[i].requests, memory_order_relaxed);
    return requests;
}

static bool is_free(const struct worker_process *w)
{
    return w->policy.phase == SUPERVISE_RETIRED && w->child.pid == 0;
}

// The worker that has served for longest of those that have served long enough, or NULL.
static struct worker_process *find_due_for_recycling(const struct generation *g, int64_t now)
{
    const struct supervise_limits limits = limits_of(g);
    struct worker_process *due = NULL;
    for (unsigned i = 0; i < g->worker_count; i++) {
        struct worker_process *w = &g->workers[i];
        if (supervise_is_due_for_recycling(&w->policy, &limits, requests_of(g, i),
                                           (uint32_t)w->child.pid, now) &&
            (!due || w->policy.ready_at < due->policy.ready_at))
            due = w;
    }
    return due;
}

static struct worker_process *find_free(const struct generation *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        if (is_free(&g->workers[i]))
            return &g->workers[i];
    return NULL;
}

static void recycle_worker(struct generation *g, int64_t now)
{
    if (g->upkeep.replaced)
        return;
    struct worker_process *old = find_due_for_recycling(g, now);
    struct worker_process *place = old ? find_free(g) : NULL;
    if (!place)
        return;
    unsigned number = (unsigned)(old - g->workers);
    log_event(EVENT_WORKER_REPLACED,
              &(struct event_fields){g->id, number, (int)old->child.pid, 0, NULL},
              "worker %u of generation %u (pid %d) is replaced after %" PRIu64
              " requests and %" PRId64 " s",
              number, g->id, (int)old->child.pid, requests_of(g, number),
              (now - old->policy.ready_at) / 1000);
    g->upkeep.replaced = old;
    g->upkeep.successor = place;
    worker_process_want(place);
}

static void retire_replaced(struct generation *g, int64_t now)
{
    supervise_retire(&g->upkeep.replaced->policy);
    handover_begin(g->upkeep.replaced, g);
    kill_by(g->upkeep.replaced,
            now + (int64_t)g->served.conf->timeouts.drain + GENERATION_KILL_DELAY);
}

// ---- what the master calls ---------------------------------------------------------------------

static void check_workers(void *context)
{
    struct generation *g = context;
    int64_t now = watches_of_generation(g)->now;
    int64_t passed = now - g->upkeep.looked;
    g->upkeep.looked = now;
    timers_set(&watches_of_generation(g)->timers, &g->upkeep.look, now + WATCHDOG_PERIOD);
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].child.pid)
            watch_worker(g, i, passed, now);
    if (g->phase == GENERATION_CURRENT)
        recycle_worker(g, now);
}

void upkeep_begin(struct generation *g)
{
    g->upkeep.looked = watches_of_generation(g)->now;
    for (unsigned i = 0; i < g->worker_count; i++)
        timers_make(&g->workers[i].kill, kill_now, &g->workers[i]);
    timers_make(&g->upkeep.look, check_workers, g);
    timers_set(&watches_of_generation(g)->timers, &g->upkeep.look,
               g->upkeep.looked + WATCHDOG_PERIOD);
}

bool upkeep_is_healthy(const struct generation *g)
{
    if (!g->upkeep.watchdogs) // of another image
        return true;
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].policy.phase == SUPERVISE_READY && !g->workers[i].hangs)
            return true;
    return false;
}

static void reset_watchdogs(const struct worker_process *w)
{
    const struct generation *g = w->generation;
    for (uint64_t i = 0; i < threads_of(g); i++)
        g->upkeep.watchdogs[w->number * threads_of(g) + i] = (struct watchdog){0};
}

void upkeep_worker_ready(struct worker_process *w, int64_t now)
{
    struct generation *g = w->generation;
    reset_watchdogs(w);
    if (g->upkeep.replaced && g->upkeep.successor == w && g->phase == GENERATION_CURRENT)
        retire_replaced(g, now);
}

void upkeep_worker_ended(struct worker_process *w)
{
    struct generation *g = w->generation;
    reset_watchdogs(w);
    timers_cancel(&w->kill);
    w->hangs = false;
    if (w != g->upkeep.replaced)
        return;
    supervise_retire(&w->policy); // also if it died before its time: its successor is on the way
    g->upkeep.replaced = g->upkeep.successor = NULL;
}
