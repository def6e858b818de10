#include "daemon/upgrade.h"

#include "base/log.h"
#include "daemon/handover.h"
#include "daemon/upgrade_adopt.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// How long a new image may take to prove that it can take over.
#define PROOF_TIME 10000 // ms

// ---- passing on --------------------------------------------------------------------------------

// Describes what another image has to know. To be cleaned up, also after a failure.
static int describe_all(struct upgrade *u, struct upgrade_state *ret)
{
    struct generations *gs = u->generations;
    const struct control_waiters *waiters = &u->outcome->waiters;
    struct totals_report report;
    int r = handovers_open_old(&gs->maker);
    *ret = (struct upgrade_state){
        .version = UPGRADE_STATE_VERSION,
        .notes = u->generations->maker.fdstore.notes,
        .last_id = gs->last_id,
        .started_s = gs->started_s,
        .handoff = {gs->maker.handoff[0], gs->maker.handoff[1]},
        .image = u->exec.image,
    };
    memcpy(ret->path, u->exec.path, sizeof(ret->path));
    generations_report_totals(gs, &report);
    ret->counters = report.counts;
    ret->waiters = calloc(waiters->count + 1, sizeof(*ret->waiters));
    ret->sockets = calloc(gs->maker.inherited.count + 1, sizeof(*ret->sockets));
    if (r < 0 || !ret->waiters || !ret->sockets)
        return r < 0 ? r : -ENOMEM;
    ret->waiter_count = waiters->count;
    memcpy(ret->waiters, waiters->fds, waiters->count * sizeof(*ret->waiters));
    ret->socket_count = gs->maker.inherited.count;
    memcpy(ret->sockets, gs->inherited, ret->socket_count * sizeof(*ret->sockets));
    return upgrade_adopt_describe(&gs->list, gs->current, ret);
}

static void fail_upgrade(struct upgrade *u, int error)
{
    const unsigned current = u->generations->current->id;
    log_event(EVENT_UPGRADE_FAILED, &(struct event_fields){.generation = current, .error = -error},
              "upgrade failed: %s; generation %u goes on", strerror(-error), current);
    outcome_report(u->outcome, false, "upgrade failed, generation %u goes on", current);
}

// Whether there is something to take over, and nothing that another image would not know of.
static bool is_settled(const struct upgrade *u)
{
    const struct generations *gs = u->generations;
    bool is_starting = gs->starting || reload_is_launching(u->reload);
    return !stop_is_ending(u->stop) && !is_starting && gs->current && gs->current->alive;
}

static bool is_proving(const struct upgrade *u)
{
    return u->exec.proof.pid || timers_is_set(&u->proof_end);
}

bool upgrade_is_possible(const struct upgrade *u)
{
    return is_settled(u) && !is_proving(u) && !u->reload->is_wanted;
}

// The new image has proven itself: becomes it.
static void become_new(struct upgrade *u)
{
    struct upgrade_state s;
    service_manager_enter(u->service_manager, SD_LINES_RELOADING);
    log_event(EVENT_UPGRADE_BEGUN, NULL, "upgrade: executing \"%s\"", u->exec.path);
    root_watch_stop(&u->reload->roots);
    log_reopen_interrupt(u->log_reopen);
    fetches_cleanup(u->fetches);
    explain_worker_cleanup(u->explain_workers); // nobody would reap them
    int r = describe_all(u, &s);
    if (r == 0)
        generations_each(u->generations, handover_prepare_for_old);
    if (r == 0)
        r = upgrade_exec_become(&u->exec, &s);
    upgrade_state_cleanup(&s);
    fail_upgrade(u, r);
    log_reopen_go_on(u->log_reopen);
    service_manager_enter(u->service_manager, SD_LINES_READY);
}

// ---- the proof ---------------------------------------------------------------------------------

static void end_proof(struct upgrade *u)
{
    timers_cancel(&u->proof_deadline);
    reload_release(u->reload);
}

// Becoming another image frees what events of the wait may still point at: so a timer does it.
static void on_proof_end(void *context, int status)
{
    struct upgrade *u = context;
    struct watches *watches = u->generations->maker.watches;
    u->is_proven = upgrade_exec_judge(&u->exec, status) == UPGRADE_EXEC_PROVEN;
    timers_cancel(&u->proof_deadline);
    timers_set(&watches->timers, &u->proof_end, watches->now);
}

static void follow_proof(void *context)
{
    struct upgrade *u = context;
    end_proof(u);
    if (u->is_proven && is_settled(u)) {
        become_new(u);
        return;
    }
    if (u->is_proven)
        log_err(UPGRADE_NOT_NOW);
    outcome_report(u->outcome, false, "upgrade refused");
}

static void on_proof_deadline(void *context)
{
    struct upgrade *u = context;
    log_event(EVENT_UPGRADE_REFUSED, NULL, "upgrade refused: \"%s\" did not prove itself in time",
              u->exec.path);
    upgrade_exec_give_up(&u->exec);
    end_proof(u);
    outcome_report(u->outcome, false, "upgrade refused");
}

// 0 or a negative errno.
static int begin_proof(struct upgrade *u)
{
    struct watches *watches = u->generations->maker.watches;
    struct upgrade_state s;
    int r = describe_all(u, &s);
    if (r == 0)
        r = upgrade_exec_prove(&u->exec, &s);
    upgrade_state_cleanup(&s);
    if (r < 0)
        return r;
    timers_set(&watches->timers, &u->proof_deadline, clock_now() + PROOF_TIME);
    reload_hold(u->reload);
    r = child_watch(&u->exec.proof, watches, on_proof_end, u);
    if (r < 0) {
        upgrade_exec_give_up(&u->exec);
        end_proof(u);
    }
    return r;
}

void upgrade_start(struct upgrade *u)
{
    if (!upgrade_is_possible(u)) {
        log_err(UPGRADE_NOT_NOW);
        return;
    }
    reload_tell_waiting(u->reload);
    control_waiters_listen(&u->outcome->waiters);
    int r = begin_proof(u);
    if (r < 0)
        fail_upgrade(u, r);
}

// ---- going back --------------------------------------------------------------------------------

void upgrade_forget_rollback(struct upgrade *u)
{
    if (u->rollback_image >= 0)
        close(u->rollback_image);
    u->rollback_image = -1;
}

void upgrade_go_back(struct upgrade *u)
{
    struct upgrade_state s;
    if (u->rollback_image < 0)
        return;
    log_event(EVENT_UPGRADE_FAILED, NULL,
              "upgrade failed: going back to the image that was running before");
    int r = describe_all(u, &s);
    s.image = u->rollback_image;
    s.version = u->rollback_version;
    if (r == 0)
        r = upgrade_exec_go_back(&u->exec, &s);
    upgrade_state_cleanup(&s);
    log_err("it cannot be executed: %s", strerror(-r));
}

void upgrade_go_back_or_on(struct upgrade *u)
{
    const unsigned current = u->generations->current->id;
    upgrade_go_back(u);
    log_err("generation %u goes on; its workers are not replaced until a reload succeeds", current);
    u->reload->is_rollback = false;
    outcome_report(u->outcome, false, "neither program can start; generation %u goes on", current);
    service_manager_enter(u->service_manager, SD_LINES_READY);
}

// ---- taking over -------------------------------------------------------------------------------

static void take_what_is_known(struct upgrade *u, const struct upgrade_state *s)
{
    struct generations *gs = u->generations;
    if (s->socket_count)
        memcpy(gs->inherited, s->sockets, s->socket_count * sizeof(*s->sockets));
    gs->maker.inherited = (struct listeners_inherited){gs->inherited, s->socket_count};
    gs->maker.handoff[0] = s->handoff[0];
    gs->maker.handoff[1] = s->handoff[1];
    gs->last_id = s->last_id;
    gs->started_s = s->started_s;
    gs->maker.totals.ended = s->counters;
    gs->maker.fdstore.notes = s->notes;
    fdstore_read_notes(&gs->maker.fdstore, &gs->maker.notes);
    u->rollback_image = s->image;
    u->rollback_version = s->version;
    u->reload->is_rollback = s->image < 0;
}

static bool is_adopted(void *context, pid_t pid)
{
    const struct upgrade_state *s = context;
    for (size_t i = 0; i < s->worker_count; i++)
        if (s->workers[i].pid == pid)
            return true;
    return false;
}

int upgrade_take_over(struct upgrade *u, const struct upgrade_state *s)
{
    struct generations *gs = u->generations;
    if (s->socket_count > GENERATIONS_INHERITED_MAX)
        return -E2BIG;
    take_what_is_known(u, s);
    child_leave_others(is_adopted, (void *)(uintptr_t)s);
    control_waiters_take_over(&u->outcome->waiters, s->waiters, s->waiter_count);
    for (size_t at = 0; at < s->worker_count;) {
        struct generation *g = upgrade_adopt_workers(&gs->maker, s, &at);
        if (!g)
            return -ENOMEM;
        list_append(&gs->list, &g->link);
        if (g->phase == GENERATION_CURRENT)
            gs->current = g;
    }
    if (!gs->current && s->listener_count) {
        gs->current = upgrade_adopt_listeners(&gs->maker, s);
        if (!gs->current)
            return -ENOMEM;
        list_append(&gs->list, &gs->current->link);
    }
    return 0;
}

// ---- beginning and end -------------------------------------------------------------------------

void upgrade_init(struct upgrade *u)
{
    u->rollback_image = -1;
    timers_make(&u->proof_deadline, on_proof_deadline, u);
    timers_make(&u->proof_end, follow_proof, u);
}

void upgrade_cleanup(struct upgrade *u)
{
    timers_cancel(&u->proof_deadline);
    timers_cancel(&u->proof_end);
    upgrade_exec_cleanup(&u->exec);
}
