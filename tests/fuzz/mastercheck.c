#include "mastercheck.h"

#include "masterworld.h"

#include "base/util.h"
#include "daemon/commands.h"
#include "daemon/watchdog.h"
#include "daemon/worker_process.h"

#include <assert.h>
#include <signal.h>

// ---- reasons ------------------------------------------------------------------------------------

static const struct generation *current_generation(void)
{
    return world.generations->current;
}

static unsigned count_ready(const struct generation *g)
{
    unsigned ready = 0;
    for (unsigned i = 0; i < g->worker_count; i++)
        ready += g->workers[i].policy.phase == SUPERVISE_READY && g->workers[i].child.pid;
    return ready;
}

static bool has_process_ended(const struct generation *g)
{
    return g->alive < g->wanted;
}

static int64_t drain_of(const struct generation *g)
{
    return (int64_t)g->served.conf->timeouts.drain + GENERATION_KILL_DELAY;
}

// A generation that does not become the current one.
static bool has_failed(const struct generation *g)
{
    return g != current_generation() && (has_process_ended(g) || g->failed ||
                                         world.now - world.starting_since >= GENERATION_START_TIME);
}

static bool may_abort(const struct world_process *p, const struct generation *g)
{
    int64_t patience = p->has_started ? (int64_t)g->served.conf->timeouts.watchdog
                                      : GENERATION_START_TIME - WATCHDOG_GAP;
    return p->is_unruly || (patience && world.now - p->beaten_at >= patience);
}

static bool may_be_killed(const struct world_process *p, const struct generation *g)
{
    bool is_ending = g->phase == GENERATION_ENDING;
    bool is_late = (p->is_retired && world.now - p->retired_at >= drain_of(g)) ||
                   (is_ending && world.now - g->ended_at >= drain_of(g));
    bool is_cut = is_ending && world.now - g->ended_at >= RELOAD_POLICY_HANDING;
    bool has_been_aborted = p->was_aborted && world.now - p->aborted_at >= 1000;
    return world.stop->has_begun || p->is_unruly || has_been_aborted || is_late || is_cut ||
           has_failed(g);
}

void world_check_kill(const struct world_process *p, int number)
{
    const struct worker_process *w = world_place_of(p);
    if (!w) // it was left, since it could not be ended
        return;
    assert(number == SIGABRT ? may_abort(p, w->generation) : may_be_killed(p, w->generation));
}

void world_check_retire(const struct world_process *p)
{
    const struct worker_process *w = world_place_of(p);
    const struct generation *g = w->generation, *current = current_generation();
    bool is_superseded = current && current != g && count_ready(current) >= current->wanted;
    bool is_replaced = g->upkeep.replaced == w &&
                       g->upkeep.successor->policy.phase == SUPERVISE_READY;
    assert(world.stop->has_begun || is_replaced || p->is_retired || is_superseded || has_failed(g));
}

// ---- what always holds --------------------------------------------------------------------------

static void check_place(const struct worker_process *w)
{
    const struct generation *g = w->generation;
    enum supervise_phase phase = w->policy.phase;
    bool has_process = w->child.pid != 0;
    if (phase == SUPERVISE_WANTED)
        assert(!has_process && timers_is_set(&w->start) && w->start.when <= w->policy.due);
    if (phase == SUPERVISE_STARTING || phase == SUPERVISE_READY)
        assert(has_process);
    if (w->hangs)
        assert(timers_is_set(&w->kill) || timers_is_set(&w->leave));
    if (g->phase == GENERATION_ENDING)
        assert(phase == SUPERVISE_RETIRED &&
               (!has_process || timers_is_set(&g->kill) || timers_is_set(&w->leave)));
}

struct tally {
    unsigned listeners, roots, rulesets, logs, workers;
};

static void check_generation(const struct generation *g, struct tally *t)
{
    unsigned alive = 0, kept = 0;
    for (unsigned i = 0; i < g->worker_count; i++) {
        check_place(&g->workers[i]);
        alive += g->workers[i].child.pid != 0;
        kept += g->workers[i].policy.phase != SUPERVISE_RETIRED;
    }
    bool is_foreign = !g->upkeep.watchdogs; // its workers are not replaced
    assert(alive == g->alive && (g->phase == GENERATION_ENDING || is_foreign || kept >= g->wanted));
    t->workers += alive;
    t->listeners += (unsigned)g->listeners.count;
    t->rulesets += g->sandbox.ruleset >= 0;
    t->logs += g->served.access_log >= 0;
    for (size_t s = 0; s < g->served.sites.count; s++)
        for (size_t i = 0; i < g->served.sites.items[s].tree_count; i++)
            t->roots += g->served.sites.items[s].trees[i].root.fd >= 0;
}

// Of those that are under way one end is kept.
static unsigned count_pairs(void)
{
    const struct generation_maker *maker = &world.generations->maker;
    const struct list *head = &maker->handovers.list;
    unsigned count = maker->handoff[0] >= 0 ? 2 : 0;
    for (const struct list *l = head->next; l != head; l = l->next)
        count++;
    return count;
}

static void check_descriptors(const struct tally *t)
{
    unsigned workers = 0, explainers = 0;
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        explainers += world.processes[i].pid && world.processes[i].role == WORLD_EXPLAIN;
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        workers += world.processes[i].pid && world.processes[i].role == WORLD_WORKER &&
                   world_place_of(&world.processes[i]);
    assert(workers == t->workers && world.open[WORLD_WORDS] >= workers &&
           world.open[WORLD_WORDS] <= workers + explainers);
    const size_t kept = world.generations->maker.leftovers.port_count;
    assert(world.open[WORLD_LISTENER] == t->listeners + kept);
    assert(world.open[WORLD_RULESET] == t->rulesets);
    assert(world.open[WORLD_SENT] == 0);
    assert(world.open[WORLD_HANDOFF] == count_pairs());
    if (list_is_empty(&world.fetches->list)) // nothing is on its way to a generation
        assert(world.open[WORLD_ROOT] == t->roots && world.open[WORLD_LOG] == t->logs);
}

// Each who waits, waits for something.
static void check_orders(void)
{
    const struct reload *r = world.reload;
    const struct control_waiters *waiters = &r->outcome->waiters;
    const struct commands *c = world.commands_context;
    bool is_busy = world.generations->starting || r->fetch || r->is_held;
    assert(!r->is_wanted || is_busy || timers_is_set(&r->start) || r->exit_status);
    assert(!waiters->count || is_busy || r->is_wanted || r->is_waiting ||
           world.upgrade->exec.proof.pid || timers_is_set(&world.upgrade->proof_end));
    assert(waiters->due <= waiters->count);
    assert(!c || !c->log_reopen->waiter_count || c->log_reopen->fetch);
    assert(world.open[WORLD_CLIENT] == waiters->count + (c ? c->log_reopen->waiter_count : 0));
    assert(!world.generations->starting || timers_is_set(&r->starting_deadline));
}

void mastercheck_all(void)
{
    struct tally t = {0};
    struct list *head = &world.generations->list;
    unsigned count = 0;
    for (struct list *l = head->next; l != head; l = l->next, count++)
        check_generation(CONTAINER_OF(l, struct generation, link), &t);
    assert(count <= RELOAD_POLICY_GENERATIONS_MAX + 2);
    check_descriptors(&t);
    check_orders();
}
