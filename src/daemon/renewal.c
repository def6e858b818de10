#include "daemon/mastery.h"

#include "base/log.h"
#include "daemon/legacy.h"
#include "sys/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// How long a new image may take to prove that it can take over.
#define PROOF_TIME 10000 // ms

// What another image has to know. To be cleaned up, also after a failure.
static int describe(struct master *m, struct state *ret)
{
    struct totals_report report;
    *ret = (struct state){
        .last_id = m->last_id,
        .started_s = m->started_s,
        .waiter_count = m->waiters.count,
        .handoff = {m->maker.handoff[0], m->maker.handoff[1]},
        .image = m->upgrade.image,
    };
    memcpy(ret->path, m->upgrade.path, sizeof(ret->path));
    memcpy(ret->waiters, m->waiters.fds, sizeof(ret->waiters));
    commands_report_totals(m, &report);
    memcpy(ret->counts, &report.counts, sizeof(ret->counts));
    ret->sockets = calloc(m->maker.inherited.count + 1, sizeof(*ret->sockets));
    if (!ret->sockets)
        return -ENOMEM;
    ret->socket_count = m->maker.inherited.count;
    memcpy(ret->sockets, m->inherited, ret->socket_count * sizeof(*ret->sockets));
    return legacy_describe(&m->generations, m->current, ret);
}

static void fail_upgrade(struct master *m, int error)
{
    log_event(EVENT_UPGRADE_FAILED,
              &(struct event_fields){.generation = m->current->id, .error = -error},
              "upgrade failed: %s; generation %u goes on", strerror(-error), m->current->id);
    master_conclude(m, false, "upgrade failed, generation %u goes on", m->current->id);
}

// Whether there is something to take over, and nothing that another image would not know of.
static bool is_settled(const struct master *m)
{
    return !master_is_ending(m) && !m->starting && m->current && m->current->alive;
}

bool renewal_is_possible(const struct master *m)
{
    return is_settled(m) && !m->upgrade.proof.pid && !m->reload_wanted;
}

void renewal_start(struct master *m)
{
    struct state s;
    if (!renewal_is_possible(m)) {
        log_err(RENEWAL_NOT_NOW);
        return;
    }
    succession_conclude(m);
    waiters_listen(&m->waiters);
    int r = describe(m, &s);
    if (r == 0)
        r = upgrade_prove(&m->upgrade, &s);
    state_cleanup(&s);
    if (r == 0) {
        m->proof_deadline = clock_now() + PROOF_TIME;
        m->proof_watch.kind = WATCH_PROOF;
        r = poller_add(&m->poller, m->upgrade.proof.pidfd, POLLER_IN, &m->proof_watch);
    }
    if (r < 0) {
        upgrade_give_up(&m->upgrade);
        fail_upgrade(m, r);
    }
}

// The new image has proven itself: becomes it.
static void become_new(struct master *m)
{
    struct state s;
    manager_enter(m, NOTIFY_RELOADING);
    log_event(EVENT_UPGRADE_BEGUN, NULL, "upgrade: executing \"%s\"", m->upgrade.path);
    explainers_cleanup(&m->explainers); // nobody would reap them
    int r = describe(m, &s);
    if (r == 0)
        r = upgrade_exec(&m->upgrade, &s);
    state_cleanup(&s);
    fail_upgrade(m, r);
    manager_enter(m, NOTIFY_READY);
}

void renewal_heed(struct master *m)
{
    poller_remove(&m->poller, m->upgrade.proof.pidfd);
    bool proven = upgrade_judge(&m->upgrade) == UPGRADE_PROVEN;
    if (proven && is_settled(m)) {
        become_new(m);
        return;
    }
    if (proven)
        log_err(RENEWAL_NOT_NOW);
    master_conclude(m, false, "upgrade refused");
}

void renewal_do_due(struct master *m, int64_t now)
{
    if (m->upgrade.proof.pid == 0 || now < m->proof_deadline)
        return;
    log_event(EVENT_UPGRADE_REFUSED, NULL, "upgrade refused: \"%s\" did not prove itself in time",
              m->upgrade.path);
    poller_remove(&m->poller, m->upgrade.proof.pidfd);
    upgrade_give_up(&m->upgrade);
    master_conclude(m, false, "upgrade refused");
}

void renewal_go_back(struct master *m)
{
    struct state s;
    if (m->way_back < 0)
        return;
    log_event(EVENT_UPGRADE_FAILED, NULL,
              "upgrade failed: going back to the image that was running before");
    int r = describe(m, &s);
    s.image = m->way_back;
    if (r == 0)
        r = upgrade_go_back(&m->upgrade, &s);
    state_cleanup(&s);
    log_err("it cannot be executed: %s", strerror(-r));
}

int renewal_adopt(struct master *m, const struct state *s)
{
    if (s->socket_count > MASTER_INHERITED_MAX)
        return -E2BIG;
    if (s->socket_count)
        memcpy(m->inherited, s->sockets, s->socket_count * sizeof(*s->sockets));
    m->maker.inherited = (struct listeners_inherited){m->inherited, s->socket_count};
    m->maker.handoff[0] = s->handoff[0];
    m->maker.handoff[1] = s->handoff[1];
    m->way_back = s->image;
    m->last_id = s->last_id;
    m->started_s = s->started_s;
    m->went_back = s->image < 0;
    memcpy(m->waiters.fds, s->waiters, sizeof(m->waiters.fds));
    m->waiters.count = s->waiter_count;
    waiters_listen(&m->waiters);
    memcpy(&m->maker.totals.ended, s->counts, sizeof(s->counts));
    for (size_t at = 0; at < s->worker_count;) {
        struct generation *g = legacy_adopt(&m->maker, s, &at);
        if (!g)
            return -ENOMEM;
        list_append(&m->generations, &g->link);
        if (g->phase == GENERATION_CURRENT)
            m->current = g;
    }
    return 0;
}
