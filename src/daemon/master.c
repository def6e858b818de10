#include "daemon/mastery.h"

#include "base/log.h"
#include "daemon/upkeep.h"
#include "server/channel.h"
#include "server/handoff.h"
#include "sys/clock.h"
#include "sys/signals.h"
#include "sys/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// More descriptors than any worker will need; the hard limit bounds it.
#define NOFILE_WANTED (1u << 20)

void master_conclude(struct master *m, bool well, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->outcome, sizeof(m->outcome), format, args);
    va_end(args);
    m->outcome_s = clock_wall_s();
    notify_change(&m->notify);
    if (!m->relieved) // else when that one has let go
        waiters_tell(&m->waiters, well, m->outcome);
}

void master_each(struct master *m, void (*f)(struct generation *))
{
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next)
        f(CONTAINER_OF(l, struct generation, link));
}

void master_drain(struct master *m)
{
    log_event(EVENT_DRAINING, NULL, "draining: balancers are told to go elsewhere");
    m->draining = true;
    notify_change(&m->notify);
    master_each(m, generation_drain);
}

// ---- stopping ----------------------------------------------------------------------------------

// What has not begun yet does not begin any more.
static void dismiss_waiters(struct master *m)
{
    m->reload_wanted = false;
    succession_conclude(m);
    waiters_listen(&m->waiters);
    waiters_tell(&m->waiters, false, "the server stops");
}

static void begin_stop(struct master *m)
{
    m->stop_at = 0;
    m->stopping = true;
    m->starting = NULL;
    manager_enter(m, NOTIFY_STOPPING);
    log_event(EVENT_STOPPING, NULL, "stopping");
    dismiss_waiters(m);
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        if (g->phase == GENERATION_ENDING)
            generation_stop_handing(g, clock_now());
        else
            generation_end(g, NULL, clock_now());
    }
}

static void stop_at_once(struct master *m)
{
    if (!m->stopping)
        begin_stop(m);
    master_each(m, generation_kill);
}

bool master_is_ending(const struct master *m)
{
    return m->stopping || m->stop_at;
}

// Of the generation that is to be: one that another image has left says nothing of it.
static int64_t lame_duck(const struct master *m)
{
    const struct generation *g = m->starting ? m->starting : m->current;
    return m->current ? (int64_t)g->conf->timeouts.lame_duck : 0;
}

void master_stop(struct master *m)
{
    int64_t delay = lame_duck(m);
    if (master_is_ending(m)) { // the second time
        stop_at_once(m);
    } else if (delay) {
        m->stop_at = clock_now() + delay;
        manager_enter(m, NOTIFY_STOPPING); // there is no way back
        master_drain(m);
        dismiss_waiters(m);
    } else {
        begin_stop(m);
    }
}

// ---- events ------------------------------------------------------------------------------------

static void heed_signals(struct master *m)
{
    int signal;
    while ((signal = signals_next(m->signals))) {
        if (signal == SIGTERM || signal == SIGINT)
            master_stop(m);
        else if (signal == SIGQUIT)
            stop_at_once(m);
        else if (signal == SIGHUP && m->options->hup_stops)
            master_stop(m);
        else if (signal == SIGHUP && !master_is_ending(m))
            succession_reload(m);
        else if (signal == SIGUSR1)
            master_each(m, generation_reopen_log);
        else if (signal == SIGUSR2)
            renewal_start(m);
    }
}

static void heed_message(struct master *m, struct generation *g, unsigned worker,
                         const struct channel_message *message)
{
    if (message->type == CHANNEL_READY) {
        if (generation_worker_ready(g, worker, clock_now()))
            succession_take_over(m, g);
        upkeep_worker_ready(g, worker, clock_now());
        notify_change(&m->notify);
    } else if (message->type == CHANNEL_ROOT) {
        succession_check_roots(m);
    } else if (message->type == CHANNEL_CUT) {
        log_event(EVENT_ANSWERS_CUT,
                  &(struct event_fields){g->id, worker, (int)g->workers[worker].child.pid, 0, NULL},
                  "worker %u of generation %u: %u answers were cut at timeouts.drain", worker,
                  g->id, message->value);
    }
}

static void heed_channel(struct master *m, struct generation *g, unsigned worker)
{
    struct generation_worker *w = &g->workers[worker];
    struct channel_message message;
    int fd, r;
    while ((r = channel_receive(w->child.channel, &message, &fd)) > 0) {
        if (fd >= 0)
            close(fd); // no worker has one to send
        heed_message(m, g, worker, &message);
    }
    if (r != -EAGAIN) // ended or ending: its pidfd tells
        poller_remove(&m->poller, w->child.channel);
}

static void heed_child(struct master *m, struct generation *g, unsigned worker)
{
    heed_channel(m, g, worker); // its last words
    if (!generation_worker_ended(g, worker, clock_now()))
        return;
    upkeep_worker_ended(g, worker);
    notify_change(&m->notify);
    master_each(m, generation_poke);
    if (g == m->starting)
        succession_give_up(m);
}

static void heed(struct master *m, struct watch *w)
{
    switch (w->kind) {
    case WATCH_SIGNALS:
        heed_signals(m);
        break;
    case WATCH_PROOF:
        if (m->upgrade.proof.pid)
            renewal_heed(m);
        break;
    case WATCH_CHANNEL:
        if (w->generation->workers[w->number].child.pid)
            heed_channel(m, w->generation, w->number);
        break;
    case WATCH_CHILD:
        if (w->generation->workers[w->number].child.pid)
            heed_child(m, w->generation, w->number);
        break;
    case WATCH_CONTROL:
        if (m->control)
            control_accept(m->control, clock_now());
        break;
    case WATCH_CONTROL_CLIENT:
        if (m->control)
            control_receive(m->control, w->number);
        break;
    case WATCH_EXPLAINER:
        explainers_ended(&m->explainers, w->number, clock_now());
        break;
    }
}

static void do_what_is_due(struct master *m, int64_t now)
{
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        for (unsigned i = 0; i < g->worker_count; i++)
            if (generation_reap_is_due(g, i, now))
                heed_child(m, g, i);
        upkeep_do_due(g, now);
        generation_do_due(g, now);
    }
    explainers_do_due(&m->explainers, now);
    if (m->control)
        control_do_due(m->control, now);
    succession_do_due(m, now);
    renewal_do_due(m, now);
    manager_do_due(m, now);
    if (m->stop_at && now >= m->stop_at)
        begin_stop(m);
}

static int timeout(const struct master *m)
{
    int64_t next = clock_earlier(succession_next(m), explainers_next(&m->explainers));
    if (m->control)
        next = clock_earlier(next, control_next(m->control));
    next = clock_earlier(next, m->stop_at ? m->stop_at : -1);
    next = clock_earlier(next, manager_next(m));
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next) {
        const struct generation *g = CONTAINER_OF(l, struct generation, link);
        next = clock_earlier(next, clock_earlier(generation_next(g), upkeep_next(g)));
    }
    return next < 0 ? -1 : (int)MAX(next - clock_now(), 1);
}

static void serve(struct master *m)
{
    struct poller_event events[POLLER_MAX_EVENTS];
    while (!m->stopping || !list_is_empty(&m->generations)) {
        int count = poller_wait(&m->poller, events, timeout(m));
        for (int i = 0; i < count; i++)
            heed(m, events[i].source);
        do_what_is_due(m, clock_now());
        // Only now: events of this round may have pointed into them.
        succession_free_ended(m);
    }
}

// ---- beginning and end -------------------------------------------------------------------------

static int init_events(struct master *m)
{
    static const int wanted[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, 0};
    int r = poller_init(&m->poller);
    if (r < 0)
        return r;
    m->signals = signals_open(wanted);
    if (m->signals < 0)
        return m->signals;
    m->signals_watch.kind = WATCH_SIGNALS;
    m->maker.poller = &m->poller;
    m->maker.keep_ids = m->options->keep_ids;
    privs_raise_nofile(NOFILE_WANTED);
    return poller_add(&m->poller, m->signals, POLLER_IN, &m->signals_watch);
}

// What a master has that begins with nothing.
static int init_first(struct master *m)
{
    int r = systemd_take_sockets(m->inherited, MASTER_INHERITED_MAX);
    if (r < 0)
        return r;
    size_t count = store_take(&m->maker.store, m->inherited, (size_t)r);
    m->maker.inherited = (struct listeners_inherited){m->inherited, count};
    store_read_totals(&m->maker.store, &m->maker.totals.ended);
    return handoff_pair(m->maker.handoff);
}

static int init(struct master *m, enum upgrade_role role, const struct state *s)
{
    int r = init_events(m);
    if (r == 0)
        r = role == UPGRADE_SUCCESSOR ? renewal_adopt(m, s) : init_first(m);
    return r;
}

static void cleanup(struct master *m)
{
    dismiss_waiters(m);
    manager_end(m);
    explainers_cleanup(&m->explainers);
    commands_give_up(m);
    control_free(m->control);
    for (size_t i = 0; i < m->maker.inherited.count; i++)
        close(m->inherited[i].fd);
    for (size_t i = 0; i < ARRAY_SIZE(m->maker.handoff); i++)
        if (m->maker.handoff[i] >= 0)
            close(m->maker.handoff[i]);
    if (m->signals >= 0)
        close(m->signals);
    upgrade_cleanup(&m->upgrade);
    poller_cleanup(&m->poller);
}

// The sockets are bound, the logs are open: what a later reload needs is all that is kept.
static void reduce_privileges(const struct master *m)
{
    int r = privs_reduce_master(&m->starting->privs);
    if (r < 0)
        log_warn("the master keeps its capabilities: %s", strerror(-r));
}

static void begin(struct master *m, struct conf *conf)
{
    if (conf)
        succession_begin(m, conf);
    if (m->starting)
        reduce_privileges(m);
    else if (m->current)
        renewal_go_back(m);
    if (!m->starting && m->current) {
        log_err("generation %u goes on; its workers are not replaced until a reload succeeds",
                m->current->id);
        m->went_back = false;
        master_conclude(m, false, "neither program can start; generation %u goes on",
                        m->current->id);
        manager_enter(m, NOTIFY_READY);
    }
    serve(m);
}

// Shows that a state like this could be taken over.
static int prove(struct upgrade *u, struct conf *conf, bool keep_ids)
{
    bool good = conf && generation_check(conf, keep_ids, NULL);
    conf_free(conf);
    if (good)
        upgrade_confirm(u);
    return good ? EXIT_SUCCESS : EX_CONFIG;
}

int master_run(const struct master_options *options)
{
    struct master m = {.options = options,
                       .poller = {-1},
                       .signals = -1,
                       .maker.handoff = {-1, -1},
                       .maker.store.totals = -1,
                       .way_back = -1};
    struct state state = {.image = -1};
    enum upgrade_role role;
    list_init(&m.generations);
    explainers_init(&m.explainers, &m.poller);
    int r = upgrade_init(&m.upgrade, options->argv, &role, &state);
    if (r < 0) {
        log_err("the state of the master cannot be read: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    struct conf *conf = options->load(options->context);
    if (role == UPGRADE_PROVER) {
        state_cleanup(&state);
        return prove(&m.upgrade, conf, options->keep_ids);
    }
    if (!conf && role == UPGRADE_NONE)
        return EX_CONFIG;
    m.started_s = clock_wall_s();
    manager_begin(&m, role == UPGRADE_SUCCESSOR);
    r = init(&m, role, &state);
    if (r < 0 && role == UPGRADE_SUCCESSOR)
        upgrade_go_back(&m.upgrade, &state);
    state_cleanup(&state);
    if (r < 0) {
        log_event(EVENT_START_FAILED, &(struct event_fields){.error = -r},
                  "the master cannot start: %s", strerror(-r));
        conf_free(conf);
        m.exit_status = EXIT_FAILURE;
    } else {
        begin(&m, conf);
    }
    cleanup(&m);
    return m.exit_status;
}
