#include "daemon/reload.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/reload_policy.h"
#include "daemon/upkeep.h"
#include "sys/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// How often the master looks whether a root was swapped that nobody asks for.
#define ROOT_CHECK 1000 // ms

// How long the old generation is waited for after a reload: its loops are told to accept no more,
// and do so within a round. One that hangs must not keep anybody waiting.
#define OLD_WAIT_TIME   1000 // ms
#define OLD_WAIT_PERIOD 1    // ms

static struct timers *timers_of(const struct reload *r)
{
    return &r->generations->maker.watches->timers;
}

// ---- when a reload may start -------------------------------------------------------------------

static struct reload_policy make_policy(const struct reload *r)
{
    const struct generations *gs = r->generations;
    struct reload_policy p;
    bool is_busy = gs->starting || r->fetch || r->is_held;
    reload_policy_begin(&p, is_busy, r->ports_busy_until, clock_now());
    for (struct list *l = gs->list.prev; l != &gs->list; l = l->prev) {
        const struct generation *g = CONTAINER_OF(l, struct generation, link);
        reload_policy_add(&p, g->phase == GENERATION_ENDING, g->ended_at);
    }
    return p;
}

// Has the reload that waits started when it may be.
static void schedule_reload(struct reload *r)
{
    struct reload_policy p = make_policy(r);
    int64_t at = reload_policy_start_at(&p);
    if (r->is_wanted && at >= 0)
        timers_set(timers_of(r), &r->start, at);
    else
        timers_cancel(&r->start);
}

static void cut_oldest(const struct reload *r)
{
    const struct generations *gs = r->generations;
    struct reload_policy p = make_policy(r);
    struct list *l = gs->list.next;
    if (!reload_policy_must_cut(&p))
        return;
    while (CONTAINER_OF(l, struct generation, link)->phase != GENERATION_ENDING)
        l = l->next;
    struct generation *oldest = CONTAINER_OF(l, struct generation, link);
    log_event(EVENT_GENERATION_CUT, &(struct event_fields){.generation = oldest->id},
              "generation %u is cut short, for there are %u", oldest->id, p.generations);
    generation_kill(oldest);
}

// ---- starting ----------------------------------------------------------------------------------

static void report_reload_failure(struct reload *r)
{
    const unsigned current = r->generations->current->id;
    log_event(EVENT_RELOAD_FAILED, &(struct event_fields){.generation = current},
              "reload failed: generation %u goes on", current);
    reload_tell_waiting(r);
    outcome_report(r->outcome, false, "failed, generation %u goes on", current);
}

// The generation starts, or could not be made, which was logged.
static void end_launch(struct reload *r)
{
    const struct generations *gs = r->generations;
    bool failed = !gs->starting;
    if (r->cause == RELOAD_FIRST)
        r->events.launched(r->events.context);
    if (r->cause == RELOAD_ASKED)
        r->clears_unready = !failed;
    if (r->cause == RELOAD_ASKED && failed) {
        report_reload_failure(r);
        service_manager_enter(r->service_manager, SD_LINES_READY);
    }
    if ((r->cause == RELOAD_ROOTS || r->cause == RELOAD_LISTENERS) && failed)
        log_err("generation %u goes on with the old one", gs->current->id);
    if (failed)
        schedule_reload(r);
}

static void start_made(struct reload *r, struct generation *g)
{
    generations_add(r->generations, g);
    upkeep_begin(g);
    generation_start(g);
    timers_set(timers_of(r), &r->starting_deadline,
               g->failed ? 0 : clock_now() + GENERATION_START_TIME);
}

// All that a generation is made of is there.
static void make_generation_of(void *context, struct fetched *f)
{
    struct reload *r = context;
    struct generations *gs = r->generations;
    struct generation *g = NULL;
    bool usable = true;
    r->fetch = NULL;
    r->conf = NULL;
    cut_oldest(r);
    if (control_socket_open(r->control, f->conf)) {
        g = generation_new(&gs->maker, gs->last_id + 1, f, gs->current, &usable);
    } else {
        conf_free(f->conf);
        fetched_cleanup(f);
    }
    if (g) {
        start_made(r, g);
    } else {
        control_socket_give_up(r->control);
        if (!gs->current)
            r->exit_status = usable ? EXIT_FAILURE : RELOAD_EX_CONFIG;
    }
    end_launch(r);
}

// Takes `conf` over.
static void launch(struct reload *r, struct conf *conf, enum reload_cause cause)
{
    struct fetched wanted;
    const struct fetch_terms terms = {(int64_t)conf->timeouts.root, make_generation_of, r};
    r->cause = cause;
    r->conf = conf;
    int error = fetched_init(&wanted, conf, r->generations->maker.keep_ids, FETCHED_LOG_OPEN);
    if (error == 0)
        error = fetch_start(r->fetches, &wanted, &terms, &r->fetch);
    if (error == 0)
        return;
    log_err("nobody can look at what the configuration names: %s", strerror(-error));
    conf_free(conf);
    r->conf = NULL;
    if (!r->generations->current)
        r->exit_status = EXIT_FAILURE;
    end_launch(r);
}

static void stop_launching(struct reload *r)
{
    fetch_cancel(r->fetch);
    conf_free(r->conf);
    r->fetch = NULL;
    r->conf = NULL;
}

void reload_start_first(struct reload *r, struct conf *conf)
{
    launch(r, conf, RELOAD_FIRST);
}

bool reload_is_launching(const struct reload *r)
{
    return r->fetch != NULL;
}

void reload_start(struct reload *r)
{
    if (r->exit_status) // the last of the processes are still ending
        return;
    struct reload_policy p = make_policy(r);
    // One at a time; the next one takes what the file says then.
    r->is_wanted = reload_policy_start_at(&p) != p.now;
    schedule_reload(r);
    if (r->is_wanted)
        return;
    service_manager_enter(r->service_manager, SD_LINES_RELOADING);
    reload_tell_waiting(r);
    control_waiters_listen(&r->outcome->waiters);
    struct conf *conf = r->load(r->load_context);
    r->cause = RELOAD_ASKED;
    if (conf)
        launch(r, conf, RELOAD_ASKED);
    else
        end_launch(r);
}

static void start_wanted(void *context)
{
    reload_start(context);
}

// ---- what has changed by itself -----------------------------------------------------------------

static bool may_follow(const struct reload *r)
{
    const struct generations *gs = r->generations;
    return gs->current && !gs->starting && !r->fetch && !r->is_held && !r->is_stopped;
}

// A deploy swaps a link: what was configured has not changed, but where it leads. Of a root that
// does not answer any more loops are kept away, for each that asks is lost.
static void follow_roots(void *context, enum root_watch_finding finding)
{
    struct reload *r = context;
    if (finding == ROOT_WATCH_SAME || !may_follow(r))
        return;
    const struct generation *current = r->generations->current;
    static const char *const what[] = {
        [ROOT_WATCH_SAME] = "",
        [ROOT_WATCH_SWAPPED] = "a root leads to another directory now",
        [ROOT_WATCH_ANSWERED] = "a root that did not answer does so by now",
        [ROOT_WATCH_SILENCED] = "a root does not answer any more",
    };
    log_event(EVENT_ROOT_SWAPPED, &(struct event_fields){.generation = current->id}, "%s",
              what[finding]);
    launch(r, conf_share(current->served.conf), RELOAD_ROOTS);
}

// Workers see it with the next request, and the master itself within ROOT_CHECK. They are not taken
// at their word.
void reload_check_roots(struct reload *r)
{
    if (r->is_stopped)
        return;
    timers_set(timers_of(r), &r->root_check, clock_now() + ROOT_CHECK);
    if (may_follow(r))
        follow_roots(r, root_watch_look(&r->roots, r->generations->current));
}

static void check_roots(void *context)
{
    reload_check_roots(context);
}

static bool has_own_spoilt(const struct listeners *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].is_spoilt && !l->items[i].inherited)
            return true;
    return false;
}

// One that is adopted from a predecessor is replaced by the generation that starts then anyway.
void reload_check_listeners(struct reload *r)
{
    struct generation *current = r->generations->current;
    if (!current)
        return;
    listener_notes_look(&r->generations->maker.notes, &current->listeners);
    if (may_follow(r) && has_own_spoilt(&current->listeners))
        launch(r, conf_share(current->served.conf), RELOAD_LISTENERS);
}

// ---- the end of a start ------------------------------------------------------------------------

static void finish_starting(struct reload *r)
{
    r->generations->starting = NULL;
    timers_cancel(&r->starting_deadline);
    if (!r->generations->current) {
        r->exit_status = EXIT_FAILURE;
        return;
    }
    service_manager_enter(r->service_manager, SD_LINES_READY);
    if (r->is_wanted)
        reload_start(r);
}

static void set_log_level(const struct conf *conf)
{
    enum log_level level;
    if (log_level_parse(slice_of(conf->log.level), &level))
        log_set_level(level);
}

static void update_unready(struct reload *r, struct generation *g)
{
    struct generations *gs = r->generations;
    if (r->clears_unready)
        gs->is_unready = false;
    r->clears_unready = false;
    if (gs->is_unready) // the generation is there for another reason than a reload
        generation_make_unready(g);
}

// "", or "; /srv/www does not answer, nor do 2 others", cut where it is long.
static const char *describe_silent(const struct sites *s, char *text, size_t size)
{
    const struct tree *first;
    size_t count = sites_count_silent(s, &first);
    struct buf b = buf_make(text, size - 1);
    if (count)
        buf_printf(&b, "; %.150s does not answer", first->silent);
    if (count > 1)
        buf_printf(&b, ", nor do %zu others", count - 1);
    text[b.len] = '\0';
    return text;
}

static void report_success(struct reload *r, struct generation *old)
{
    char silent[200];
    const unsigned id = r->generations->current->id;
    log_event(EVENT_READY, &(struct event_fields){.generation = id},
              "ready: generation %u, %u workers", id, r->generations->current->wanted);
    r->waiting_for_old = r->is_rollback ? NULL : old;
    r->is_waiting = r->waiting_for_old;
    if (r->is_rollback)
        outcome_report(r->outcome, false,
                       "the new program could not start; generation %u is of the old one", id);
    else if (old)
        outcome_set(
            r->outcome, "generation %u is ready%s", id,
            describe_silent(&r->generations->current->served.sites, silent, sizeof(silent)));
    r->is_rollback = false;
    r->waiting_until = clock_now() + OLD_WAIT_TIME;
    if (r->is_waiting)
        timers_set(timers_of(r), &r->old_check, 0);
}

void reload_take_over(struct reload *r)
{
    struct generations *gs = r->generations;
    struct generation *g = gs->starting, *old = gs->current;
    root_watch_stop(&r->roots);
    g->phase = GENERATION_CURRENT;
    gs->current = g;
    update_unready(r, g);
    set_log_level(g->served.conf);
    listeners_announce(&g->listeners);
    control_socket_take(r->control);
    if (old && !listeners_has_all(&g->listeners, &old->listeners))
        r->ports_busy_until = clock_now() + RELOAD_POLICY_LEAVING;
    service_manager_keep(r->service_manager, g, old);
    if (old)
        generation_end(old, g, clock_now());
    r->events.taken_over(r->events.context);
    report_success(r, old);
    finish_starting(r);
}

void reload_give_up(struct reload *r)
{
    struct generations *gs = r->generations;
    struct generation *g = gs->starting;
    r->clears_unready = false;
    if (gs->current && !listeners_has_all(&gs->current->listeners, &g->listeners))
        r->ports_busy_until = clock_now() + RELOAD_POLICY_LEAVING; // by workers that were ready
    generation_give_up(g, gs->current, clock_now());
    control_socket_give_up(r->control);
    if (gs->current) {
        log_err("generation %u could not start", g->id);
        r->events.failed(r->events.context);
        report_reload_failure(r);
    }
    finish_starting(r);
}

static void on_starting_deadline(void *context)
{
    struct reload *r = context;
    if (!r->generations->starting->failed)
        log_err("generation %u is not ready in time", r->generations->starting->id);
    reload_give_up(r);
}

// ---- those who wait ----------------------------------------------------------------------------

void reload_tell_waiting(struct reload *r)
{
    uint64_t sent, lost;
    if (!r->is_waiting)
        return;
    r->is_waiting = false;
    r->waiting_for_old = NULL;
    timers_cancel(&r->old_check);
    lost = handover_loss_count(r->handover_loss, &sent);
    if (lost)
        outcome_set(r->outcome,
                    "generation %u is ready, but %" PRIu64 " of %" PRIu64
                    " connections were lost on the way to it",
                    r->generations->current->id, lost, sent);
    outcome_tell(r->outcome, true);
}

// A client that asks right after `tined reload` has returned must reach the new generation: so the
// answer waits until no loop of the old one accepts, and for what it hands over at once.
static void check_old(void *context)
{
    struct reload *r = context;
    int64_t now = clock_now();
    bool is_old_serving = r->waiting_for_old && generation_is_serving(r->waiting_for_old);
    if ((is_old_serving || handover_loss_is_open(r->handover_loss)) && now < r->waiting_until)
        timers_set(timers_of(r), &r->old_check, now + OLD_WAIT_PERIOD);
    else
        reload_tell_waiting(r);
}

void reload_dismiss(struct reload *r)
{
    r->is_wanted = false;
    timers_cancel(&r->start);
    reload_tell_waiting(r);
    control_waiters_listen(&r->outcome->waiters);
    control_waiters_tell(&r->outcome->waiters, false, "the server stops");
}

// ---- beginning and end -------------------------------------------------------------------------

void reload_init(struct reload *r)
{
    timers_make(&r->starting_deadline, on_starting_deadline, r);
    timers_make(&r->root_check, check_roots, r);
    timers_make(&r->start, start_wanted, r);
    timers_make(&r->old_check, check_old, r);
    r->roots = (struct root_watch){.fetches = r->fetches, .found = follow_roots, .context = r};
}

void reload_begin(struct reload *r)
{
    timers_set(timers_of(r), &r->root_check, clock_now() + ROOT_CHECK);
}

void reload_hold(struct reload *r)
{
    r->is_held = true;
    schedule_reload(r);
}

void reload_release(struct reload *r)
{
    r->is_held = false;
    schedule_reload(r);
}

void reload_stop(struct reload *r)
{
    r->is_stopped = true;
    r->generations->starting = NULL;
    timers_cancel(&r->starting_deadline);
    timers_cancel(&r->root_check);
    stop_launching(r);
    root_watch_stop(&r->roots);
    reload_dismiss(r);
}

void reload_free_ended(struct reload *r)
{
    struct generations *gs = r->generations;
    struct list *next;
    control_socket_free_old(r->control);
    for (struct list *l = gs->list.next; l != &gs->list; l = next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        next = l->next;
        if (g->phase != GENERATION_ENDING || g->alive)
            continue;
        if (g == r->waiting_for_old)
            r->waiting_for_old = NULL;
        if (g == gs->current)
            gs->current = NULL;
        generation_free(g, gs->current);
        schedule_reload(r); // there may be room by now
    }
}
