#include "daemon/master.h"

#include "base/log.h"
#include "daemon/generation.h"
#include "server/channel.h"
#include "sys/clock.h"
#include "sys/fdpass.h"
#include "sys/signals.h"
#include "sys/systemd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EX_CONFIG 78 // sysexits.h: the configuration cannot be used

#define INHERITED_MAX 64

// More descriptors than any worker will need; the hard limit bounds it.
#define NOFILE_WANTED (1u << 20)

// How often the master looks whether a root was swapped that nobody asks for.
#define ROOT_CHECK 1000 // ms

struct master {
    const struct master_options *options;
    struct poller poller;
    struct generation_maker maker;
    struct systemd_socket inherited[INHERITED_MAX];
    struct list generations; // oldest first
    struct generation *current;
    struct generation *starting; // or NULL
    struct watch signals_watch;
    int signals;
    unsigned last_id;
    int64_t roots_checked; // when
    bool stopping;
    bool reload_wanted; // a HUP came while a generation was starting
    int exit_status;    // other than 0 when the first generation could not start
};

// ---- states told to the service manager --------------------------------------------------------

static void notify_ready(const struct master *m)
{
    char state[128];
    snprintf(state, sizeof(state), "READY=1\nSTATUS=Serving, generation %u, %u workers",
             m->current->id, m->current->worker_count);
    systemd_notify(state);
}

// ---- generations -------------------------------------------------------------------------------

static void begin_generation(struct master *m, struct conf *conf)
{
    bool usable;
    struct generation *g = generation_new(&m->maker, m->last_id + 1, conf, m->current, &usable);
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
static void check_roots(struct master *m)
{
    m->roots_checked = clock_now();
    if (!m->current || m->starting || m->stopping || !sites_are_swapped(&m->current->sites))
        return;
    log_info("a root leads to another directory now");
    begin_generation(m, conf_share(m->current->conf));
    if (!m->starting)
        log_err("generation %u goes on with the old one", m->current->id);
}

static void reload(struct master *m)
{
    if (m->starting) { // one at a time; the next one takes what the file says then
        m->reload_wanted = true;
        return;
    }
    systemd_notify_reloading();
    struct conf *conf = m->options->load(m->options->context);
    if (conf)
        begin_generation(m, conf);
    if (!m->starting) {
        log_err("reload failed: generation %u goes on", m->current->id);
        notify_ready(m);
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
    notify_ready(m);
    if (m->reload_wanted) {
        m->reload_wanted = false;
        reload(m);
    }
}

static void set_log_level(const struct conf *conf)
{
    enum log_level level;
    if (log_level_parse(conf->log.level, &level))
        log_set_level(level);
}

static void take_over(struct master *m, struct generation *g)
{
    struct generation *old = m->current;
    g->phase = GENERATION_CURRENT;
    m->current = g;
    set_log_level(g->conf);
    listeners_announce(&g->listeners);
    if (old)
        generation_end(old, g, clock_now());
    log_info("ready: generation %u, %u workers", g->id, g->worker_count);
    finish_starting(m);
}

// A worker of a generation that was starting died, or time is up: the configuration is not taken.
static void give_up_starting(struct master *m)
{
    struct generation *g = m->starting;
    generation_end(g, m->current, clock_now());
    generation_kill(g);
    if (m->current)
        log_err("reload failed: generation %u could not start, generation %u goes on", g->id,
                m->current->id);
    finish_starting(m);
}

static void free_ended(struct master *m)
{
    struct list *next;
    for (struct list *l = m->generations.next; l != &m->generations; l = next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        next = l->next;
        if (g->phase == GENERATION_ENDING && g->alive == 0) {
            if (g == m->current)
                m->current = NULL;
            generation_free(g, m->current);
        }
    }
}

static void each_generation(struct master *m, void (*f)(struct generation *))
{
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next)
        f(CONTAINER_OF(l, struct generation, link));
}

// ---- stopping ----------------------------------------------------------------------------------

static void stop(struct master *m)
{
    if (m->stopping) {
        each_generation(m, generation_kill);
        return;
    }
    m->stopping = true;
    m->starting = NULL;
    systemd_notify("STOPPING=1");
    log_info("stopping");
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        if (g->phase == GENERATION_ENDING)
            generation_stop_handing(g);
        else
            generation_end(g, NULL, clock_now());
    }
}

static void stop_at_once(struct master *m)
{
    stop(m);
    each_generation(m, generation_kill);
}

// ---- events ------------------------------------------------------------------------------------

static void heed_signals(struct master *m)
{
    int signal;
    while ((signal = signals_next(m->signals))) {
        if (signal == SIGTERM || signal == SIGINT)
            stop(m);
        else if (signal == SIGQUIT)
            stop_at_once(m);
        else if (signal == SIGHUP && m->options->hup_stops)
            stop(m);
        else if (signal == SIGHUP && !m->stopping)
            reload(m);
        else if (signal == SIGUSR1)
            each_generation(m, generation_reopen_log);
    }
}

static void heed_message(struct master *m, struct generation *g, unsigned worker,
                         const struct channel_message *message)
{
    if (message->type == CHANNEL_READY) {
        if (generation_worker_ready(g, worker, clock_now()))
            take_over(m, g);
    } else if (message->type == CHANNEL_ROOT) {
        check_roots(m);
    } else if (message->type == CHANNEL_CUT) {
        log_warn("worker %u of generation %u: %u answers were cut at timeouts.drain", worker, g->id,
                 message->value);
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
    each_generation(m, generation_poke);
    if (g == m->starting)
        give_up_starting(m);
}

static void heed(struct master *m, struct watch *w)
{
    switch (w->kind) {
    case WATCH_SIGNALS:
        heed_signals(m);
        break;
    case WATCH_CHANNEL:
        if (w->generation->workers[w->worker].child.pid)
            heed_channel(m, w->generation, w->worker);
        break;
    case WATCH_CHILD:
        if (w->generation->workers[w->worker].child.pid)
            heed_child(m, w->generation, w->worker);
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
        generation_do_due(g, now);
    }
    if (m->starting && now >= m->starting->deadline) {
        log_err("generation %u is not ready in time", m->starting->id);
        give_up_starting(m);
    }
    if (now - m->roots_checked >= ROOT_CHECK)
        check_roots(m);
}

static int timeout(const struct master *m)
{
    int64_t next = m->stopping ? -1 : m->roots_checked + ROOT_CHECK;
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next) {
        int64_t due = generation_next(CONTAINER_OF(l, struct generation, link));
        if (due >= 0 && (next < 0 || due < next))
            next = due;
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
        free_ended(m);
    }
}

// ---- beginning and end -------------------------------------------------------------------------

static int init(struct master *m)
{
    static const int wanted[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, 0};
    int r = poller_init(&m->poller);
    if (r < 0)
        return r;
    m->signals = signals_open(wanted);
    if (m->signals < 0)
        return m->signals;
    m->signals_watch.kind = WATCH_SIGNALS;
    r = poller_add(&m->poller, m->signals, POLLER_IN, &m->signals_watch);
    if (r < 0)
        return r;
    r = systemd_take_sockets(m->inherited, INHERITED_MAX);
    if (r < 0)
        return r;
    m->maker.poller = &m->poller;
    m->maker.inherited = (struct listeners_inherited){m->inherited, (size_t)r};
    m->maker.keep_ids = m->options->keep_ids;
    r = fdpass_pair(m->maker.handoff);
    if (r < 0)
        return r;
    privs_raise_nofile(NOFILE_WANTED);
    return 0;
}

// The sockets are bound, the logs are open: what a later reload needs is all that is kept.
static void reduce_privileges(const struct master *m)
{
    int r = privs_reduce_master(&m->starting->privs);
    if (r < 0)
        log_warn("the master keeps its capabilities: %s", strerror(-r));
}

int master_run(const struct master_options *options)
{
    struct master m = {
        .options = options, .poller = {-1}, .signals = -1, .maker.handoff = {-1, -1}};
    list_init(&m.generations);
    struct conf *conf = options->load(options->context);
    if (!conf)
        return EX_CONFIG;
    int r = init(&m);
    if (r < 0) {
        log_err("the master cannot start: %s", strerror(-r));
        conf_free(conf);
        m.exit_status = EXIT_FAILURE;
    } else {
        begin_generation(&m, conf);
        if (m.starting)
            reduce_privileges(&m);
        serve(&m);
    }
    for (size_t i = 0; i < m.maker.inherited.count; i++)
        close(m.inherited[i].fd);
    for (size_t i = 0; i < ARRAY_SIZE(m.maker.handoff); i++)
        if (m.maker.handoff[i] >= 0)
            close(m.maker.handoff[i]);
    if (m.signals >= 0)
        close(m.signals);
    poller_cleanup(&m.poller);
    return m.exit_status;
}
