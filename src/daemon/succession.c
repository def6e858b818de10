#include "daemon/mastery.h"

#include "base/log.h"
#include "sys/clock.h"

#include <stdlib.h>
#include <unistd.h>

// How often the master looks whether a root was swapped that nobody asks for.
#define ROOT_CHECK 1000 // ms

// How long the workers of an ending generation go on accepting on listeners that have no successor,
// and a little more.
#define LEAVING 1300 // ms

// The most generations at one time.
#define GENERATIONS_MAX 8u

// How long a generation that ends may be busy handing over: one that is still there after this has
// answers that cannot be moved.
#define HANDING 5000 // ms

// With so many of them a reload waits, for each would hand over what it has just been handed.
#define HANDING_MAX 2u

// How long a generation that is relieved is waited for: its loops are told, and take a round to
// heed it. One that hangs is not to keep anybody waiting.
#define RELIEF_TIME   1000 // ms
#define RELIEF_PERIOD 1    // ms

static bool is_handing(const struct generation *g, int64_t now)
{
    return g->phase == GENERATION_ENDING && now < g->ended_at + HANDING;
}

// When a reload may start another generation: it may want what is being left, and what is being
// handed over is to arrive first. A worker's end is looked at as it comes.
static int64_t room_at(const struct master *m)
{
    int64_t now = clock_now(), room = m->ports_taken;
    unsigned count = 0;
    for (struct list *l = m->generations.prev; l != &m->generations; l = l->prev) {
        const struct generation *g = CONTAINER_OF(l, struct generation, link);
        count += is_handing(g, now);
        if (is_handing(g, now) && count >= HANDING_MAX)
            room = MAX(room, g->ended_at + HANDING);
    }
    return room;
}

// What is left in an old generation are answers that cannot be handed over, perhaps to clients that
// take them as slowly as they may. That must not keep a new configuration waiting: before there are
// too many generations the oldest is ended.
static void limit_generations(const struct master *m)
{
    struct generation *oldest = NULL;
    unsigned count = 0;
    for (struct list *l = m->generations.prev; l != &m->generations; l = l->prev) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        count++;
        if (g->phase == GENERATION_ENDING)
            oldest = g;
    }
    if (count < GENERATIONS_MAX || !oldest || is_handing(oldest, clock_now()))
        return;
    log_event(EVENT_GENERATION_CUT, &(struct event_fields){.generation = oldest->id},
              "generation %u is cut short, for there are %u", oldest->id, count);
    generation_kill(oldest);
}

// A new image that proves itself will start a generation of what the file says and where roots lead
// by then; only if it is refused there is something left to do.
static bool is_busy(const struct master *m)
{
    return m->starting || m->upgrade.proof.pid;
}

void succession_begin(struct master *m, struct conf *conf)
{
    bool usable = true;
    struct generation *g = NULL;
    limit_generations(m);
    if (commands_open(m, conf))
        g = generation_new(&m->maker, m->last_id + 1, conf, m->current, &usable);
    else
        conf_free(conf);
    if (!g)
        commands_give_up(m);
    if (!g && !m->current) {
        m->exit_status = usable ? EXIT_FAILURE : EX_CONFIG;
        m->stopping = true;
    }
    if (!g)
        return;
    m->last_id++;
    list_append(&m->generations, &g->link);
    m->starting = g;
    generation_do_due(g, clock_now());
}

// A deploy swaps a link: what was configured has not changed, but where it leads. Workers see it
// with the next request, and the master itself within ROOT_CHECK. They are not taken at their word.
void succession_check_roots(struct master *m)
{
    m->roots_checked = clock_now();
    if (!m->current || is_busy(m) || m->stopping || !sites_are_swapped(&m->current->sites))
        return;
    log_event(EVENT_ROOT_SWAPPED, &(struct event_fields){.generation = m->current->id},
              "a root leads to another directory now");
    succession_begin(m, conf_share(m->current->conf));
    if (!m->starting)
        log_err("generation %u goes on with the old one", m->current->id);
}

static void fail_reload(struct master *m)
{
    log_event(EVENT_RELOAD_FAILED, &(struct event_fields){.generation = m->current->id},
              "reload failed: generation %u goes on", m->current->id);
    master_conclude(m, false, "failed, generation %u goes on", m->current->id);
}

void succession_conclude(struct master *m)
{
    if (!m->relieved)
        return;
    m->relieved = NULL;
    waiters_tell(&m->waiters, true, m->outcome);
}

// Who has reloaded and asks then is answered by the new generation: the old one must have let go.
static void await_relief(struct master *m, int64_t now)
{
    if (m->relieved && (!generation_is_serving(m->relieved) || now >= m->relieved_by))
        succession_conclude(m);
}

void succession_reload(struct master *m)
{
    // One at a time; the next one takes what the file says then.
    m->reload_wanted = is_busy(m) || clock_now() < room_at(m);
    if (m->reload_wanted)
        return;
    manager_enter(m, NOTIFY_RELOADING);
    succession_conclude(m);
    waiters_listen(&m->waiters);
    struct conf *conf = m->options->load(m->options->context);
    if (conf)
        succession_begin(m, conf);
    m->ends_drain = m->starting != NULL;
    if (!m->starting) {
        fail_reload(m);
        manager_enter(m, NOTIFY_READY);
    }
}

// The generation that was starting is ready, or was given up.
static void finish_starting(struct master *m)
{
    m->starting = NULL;
    if (!m->current) {
        m->exit_status = EXIT_FAILURE;
        m->stopping = true;
        return;
    }
    manager_enter(m, NOTIFY_READY);
    if (m->reload_wanted)
        succession_reload(m);
}

static void set_log_level(const struct conf *conf)
{
    enum log_level level;
    if (log_level_parse(conf->log.level, &level))
        log_set_level(level);
}

void succession_take_over(struct master *m, struct generation *g)
{
    struct generation *old = m->current;
    g->phase = GENERATION_CURRENT;
    m->current = g;
    if (m->ends_drain)
        m->draining = false;
    m->ends_drain = false;
    if (m->draining) // it is here for another reason than a reload
        generation_drain(g);
    set_log_level(g->conf);
    listeners_announce(&g->listeners);
    commands_take(m);
    if (old && !listeners_has_all(&g->listeners, &old->listeners))
        m->ports_taken = clock_now() + LEAVING;
    manager_keep(m, g, old);
    if (old)
        generation_end(old, g, clock_now());
    if (m->way_back >= 0)
        close(m->way_back);
    m->way_back = -1;
    log_event(EVENT_READY, &(struct event_fields){.generation = g->id},
              "ready: generation %u, %u workers", g->id, g->wanted);
    m->relieved = m->went_back ? NULL : old;
    m->relieved_by = clock_now() + RELIEF_TIME;
    if (m->went_back)
        master_conclude(m, false,
                        "the new program could not start; generation %u is of the old one", g->id);
    else if (old)
        master_conclude(m, true, "generation %u is ready", g->id);
    m->went_back = false;
    finish_starting(m);
}

// A worker of a generation that was starting died, or time is up: the configuration is not taken.
void succession_give_up(struct master *m)
{
    struct generation *g = m->starting;
    m->ends_drain = false;
    if (m->current && !listeners_has_all(&m->current->listeners, &g->listeners))
        m->ports_taken = clock_now() + LEAVING; // by those of its workers that were ready
    generation_give_up(g, m->current, clock_now());
    commands_give_up(m);
    if (m->current) {
        log_err("generation %u could not start", g->id);
        renewal_go_back(m);
        fail_reload(m);
    }
    finish_starting(m);
}

void succession_free_ended(struct master *m)
{
    struct list *next;
    control_free(m->control_ended);
    m->control_ended = NULL;
    for (struct list *l = m->generations.next; l != &m->generations; l = next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        next = l->next;
        if (g->phase == GENERATION_ENDING && g->alive == 0) {
            if (g == m->relieved)
                succession_conclude(m);
            if (g == m->current)
                m->current = NULL;
            generation_free(g, m->current);
        }
    }
}

void succession_do_due(struct master *m, int64_t now)
{
    await_relief(m, now);
    if (m->starting && m->starting->failed) {
        succession_give_up(m);
    } else if (m->starting && now >= m->starting->deadline) {
        log_err("generation %u is not ready in time", m->starting->id);
        succession_give_up(m);
    }
    if (now - m->roots_checked >= ROOT_CHECK)
        succession_check_roots(m);
    if (m->reload_wanted && !is_busy(m) && !m->stopping && now >= room_at(m))
        succession_reload(m);
}

int64_t succession_next(const struct master *m)
{
    if (m->stopping)
        return -1;
    int64_t next = m->roots_checked + ROOT_CHECK;
    if (m->relieved)
        next = MIN(next, clock_now() + RELIEF_PERIOD);
    return m->reload_wanted && !is_busy(m) ? MIN(next, room_at(m)) : next;
}
