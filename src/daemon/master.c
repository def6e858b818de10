#include "daemon/master.h"

#include "base/log.h"
#include "base/num.h"
#include "daemon/control.h"
#include "daemon/explainers.h"
#include "daemon/generation.h"
#include "daemon/legacy.h"
#include "daemon/upgrade.h"
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

// How long the workers of an ending generation go on accepting on listeners that have no successor,
// and a little more.
#define LEAVING 1300 // ms

// How long a new image may take to prove that it can take over.
#define PROOF_TIME 10000 // ms

struct master {
    const struct master_options *options;
    struct poller poller;
    struct generation_maker maker;
    struct systemd_socket inherited[INHERITED_MAX];
    struct list generations; // oldest first
    struct generation *current;
    struct generation *starting;   // or NULL
    struct control *control;       // or NULL
    struct control *control_next;  // of the generation that is starting, when it is another
    struct control *control_ended; // events of this round may point into it
    bool control_changes;          // what `control_next` is takes the place of `control`
    struct explainers explainers;
    struct watch signals_watch;
    int signals;
    unsigned last_id;
    int64_t roots_checked; // when
    struct upgrade upgrade;
    struct watch proof_watch;
    int64_t proof_deadline; // of the new image's proof
    int way_back;           // the image that this one has taken over from and may go back to, or -1
    bool stopping;
    bool reload_wanted;  // a HUP came while there could be no new generation
    int64_t ports_taken; // until then, by listeners that a generation leaves
    int exit_status;     // other than 0 when the first generation could not start
};

// ---- states told to the service manager --------------------------------------------------------

static void notify_ready(const struct master *m)
{
    char state[128];
    snprintf(state, sizeof(state), "READY=1\nSTATUS=Serving, generation %u, %u workers",
             m->current->id, m->current->worker_count);
    systemd_notify(state);
}

// ---- the control socket ------------------------------------------------------------------------

// "explain CLIENT PORT", and the head of a request.
static void run_explain(void *context, const struct control_request *request)
{
    struct master *m = context;
    char client[ADDR_TEXT_MAX];
    struct slice port_text = request->arguments, name = slice_split(&port_text, ' ');
    uint64_t port;
    if (name.len >= sizeof(client) || !num_parse_dec(port_text, UINT16_MAX, &port)) {
        control_answer(request->fd, "error", "explain takes the client's address and the port");
        return;
    }
    memcpy(client, name.ptr, name.len);
    client[name.len] = '\0';
    const struct explainers_question question = {client, (uint16_t)port, request->text};
    int r = m->current ? explainers_start(&m->explainers, m->current, &question, request->fd)
                       : -EAGAIN;
    if (r < 0)
        control_answer(request->fd, "error", strerror(-r));
}

static const struct control_command control_commands[] = {
    {"explain", run_explain},
    {NULL, NULL},
};

static bool is_at(const struct control *control, const char *path)
{
    return control ? strcmp(control_path(control), path) == 0 : *path == '\0';
}

// Opens what the configuration wants and is not open yet. False after having logged why that cannot
// be; the default, which nobody has asked for, is done without where it does not work.
static bool open_control(struct master *m, const struct conf *conf)
{
    const char *path = conf->control, *what;
    const struct control_options options = {path, control_commands, m, &m->poller};
    m->control_changes = m->options->control && !is_at(m->control, path);
    if (!m->control_changes || !*path)
        return true;
    int r = control_new(&options, &m->control_next, &what);
    bool is_default = conf_is_default(conf, "control");
    if (r < 0 && is_default)
        log_notice("no control socket: %s: %s: %s", path, what, strerror(-r));
    else if (r < 0)
        log_err("the control socket %s cannot be opened: %s: %s", path, what, strerror(-r));
    return r == 0 || is_default;
}

static void take_control(struct master *m)
{
    if (!m->control_changes)
        return;
    m->control_ended = m->control;
    m->control = m->control_next;
    m->control_next = NULL;
    m->control_changes = false;
    if (m->control)
        control_serve(m->control);
}

static void give_up_control(struct master *m)
{
    control_free(m->control_next);
    m->control_next = NULL;
    m->control_changes = false;
}

// ---- generations -------------------------------------------------------------------------------

static void begin_generation(struct master *m, struct conf *conf)
{
    bool usable = true;
    struct generation *g = NULL;
    if (open_control(m, conf))
        g = generation_new(&m->maker, m->last_id + 1, conf, m->current, &usable);
    else
        conf_free(conf);
    if (!g)
        give_up_control(m);
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
    // One at a time, and none that may want what is being left; the next one takes what the file
    // says then.
    m->reload_wanted = m->starting || clock_now() < m->ports_taken;
    if (m->reload_wanted)
        return;
    systemd_notify_reloading();
    struct conf *conf = m->options->load(m->options->context);
    if (conf)
        begin_generation(m, conf);
    if (!m->starting) {
        log_err("reload failed: generation %u goes on", m->current->id);
        notify_ready(m);
    }
}

// ---- upgrades ----------------------------------------------------------------------------------

// What another image has to know. To be cleaned up, also after a failure.
static int describe(struct master *m, struct state *ret)
{
    *ret = (struct state){
        .last_id = m->last_id,
        .handoff = {m->maker.handoff[0], m->maker.handoff[1]},
        .image = m->upgrade.image,
    };
    memcpy(ret->path, m->upgrade.path, sizeof(ret->path));
    ret->sockets = calloc(m->maker.inherited.count + 1, sizeof(*ret->sockets));
    if (!ret->sockets)
        return -ENOMEM;
    ret->socket_count = m->maker.inherited.count;
    memcpy(ret->sockets, m->inherited, ret->socket_count * sizeof(*ret->sockets));
    return legacy_describe(&m->generations, m->current, ret);
}

static void fail_upgrade(const struct master *m, int error)
{
    log_err("upgrade failed: %s; generation %u goes on", strerror(-error), m->current->id);
}

static void upgrade(struct master *m)
{
    struct state s;
    if (m->stopping || m->starting || m->upgrade.proof.pid || m->current->alive == 0) {
        log_warn("no upgrade now: wait for what is under way");
        return;
    }
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
    systemd_notify_reloading();
    log_info("upgrade: executing \"%s\"", m->upgrade.path);
    explainers_cleanup(&m->explainers); // nobody would reap them
    int r = describe(m, &s);
    if (r == 0)
        r = upgrade_exec(&m->upgrade, &s);
    state_cleanup(&s);
    fail_upgrade(m, r);
    notify_ready(m);
}

static void heed_proof(struct master *m)
{
    poller_remove(&m->poller, m->upgrade.proof.pidfd);
    if (upgrade_judge(&m->upgrade) == UPGRADE_PROVEN && !m->stopping && !m->starting)
        become_new(m);
}

static void give_up_proof(struct master *m)
{
    log_err("upgrade refused: \"%s\" did not prove itself in time", m->upgrade.path);
    poller_remove(&m->poller, m->upgrade.proof.pidfd);
    upgrade_give_up(&m->upgrade);
}

// This image has taken over but cannot start workers of its own: the last one can, or could.
static void go_back(struct master *m)
{
    struct state s;
    if (m->way_back < 0)
        return;
    log_err("upgrade failed: going back to the image that was running before");
    int r = describe(m, &s);
    s.image = m->way_back;
    if (r == 0)
        r = upgrade_go_back(&m->upgrade, &s);
    state_cleanup(&s);
    log_err("it cannot be executed: %s", strerror(-r));
}

// ---- the end of a start ------------------------------------------------------------------------

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
    if (m->reload_wanted)
        reload(m);
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
    take_control(m);
    if (old && !listeners_has_all(&g->listeners, &old->listeners))
        m->ports_taken = clock_now() + LEAVING;
    if (old)
        generation_end(old, g, clock_now());
    if (m->way_back >= 0)
        close(m->way_back);
    m->way_back = -1;
    log_info("ready: generation %u, %u workers", g->id, g->worker_count);
    finish_starting(m);
}

// A worker of a generation that was starting died, or time is up: the configuration is not taken.
static void give_up_starting(struct master *m)
{
    struct generation *g = m->starting;
    generation_end(g, m->current, clock_now());
    generation_kill(g);
    give_up_control(m);
    if (m->current)
        log_err("reload failed: generation %u could not start, generation %u goes on", g->id,
                m->current->id);
    go_back(m);
    finish_starting(m);
}

static void free_ended(struct master *m)
{
    struct list *next;
    control_free(m->control_ended);
    m->control_ended = NULL;
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
        else if (signal == SIGUSR2)
            upgrade(m);
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
    case WATCH_PROOF:
        if (m->upgrade.proof.pid)
            heed_proof(m);
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
        generation_do_due(g, now);
    }
    explainers_do_due(&m->explainers, now);
    if (m->control)
        control_do_due(m->control, now);
    if (m->starting && m->starting->failed) {
        give_up_starting(m);
    } else if (m->starting && now >= m->starting->deadline) {
        log_err("generation %u is not ready in time", m->starting->id);
        give_up_starting(m);
    }
    if (m->upgrade.proof.pid && now >= m->proof_deadline)
        give_up_proof(m);
    if (now - m->roots_checked >= ROOT_CHECK)
        check_roots(m);
    if (m->reload_wanted && !m->starting && !m->stopping && now >= m->ports_taken)
        reload(m);
}

// Of two times, of which -1 is never.
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int timeout(const struct master *m)
{
    int64_t next = m->stopping ? -1 : m->roots_checked + ROOT_CHECK;
    if (m->reload_wanted && !m->stopping && m->ports_taken < next)
        next = m->ports_taken;
    next = earlier(next, explainers_next(&m->explainers));
    if (m->control)
        next = earlier(next, control_next(m->control));
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next) {
        next = earlier(next, generation_next(CONTAINER_OF(l, struct generation, link)));
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
    int r = systemd_take_sockets(m->inherited, INHERITED_MAX);
    if (r < 0)
        return r;
    m->maker.inherited = (struct listeners_inherited){m->inherited, (size_t)r};
    return fdpass_pair(m->maker.handoff);
}

// What one has that takes another's place.
static int init_successor(struct master *m, const struct state *s)
{
    if (s->socket_count > INHERITED_MAX)
        return -E2BIG;
    if (s->socket_count)
        memcpy(m->inherited, s->sockets, s->socket_count * sizeof(*s->sockets));
    m->maker.inherited = (struct listeners_inherited){m->inherited, s->socket_count};
    m->maker.handoff[0] = s->handoff[0];
    m->maker.handoff[1] = s->handoff[1];
    m->way_back = s->image;
    m->last_id = s->last_id;
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

static int init(struct master *m, enum upgrade_role role, const struct state *s)
{
    int r = init_events(m);
    if (r == 0)
        r = role == UPGRADE_SUCCESSOR ? init_successor(m, s) : init_first(m);
    return r;
}

static void cleanup(struct master *m)
{
    explainers_cleanup(&m->explainers);
    give_up_control(m);
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
        begin_generation(m, conf);
    if (m->starting)
        reduce_privileges(m);
    else if (m->current)
        go_back(m);
    if (!m->starting && m->current) {
        log_err("generation %u goes on; its workers are not replaced until a reload succeeds",
                m->current->id);
        notify_ready(m);
    }
    serve(m);
}

// Shows that a state like this could be taken over.
static int prove(struct conf *conf)
{
    bool good = conf && generation_check(conf);
    conf_free(conf);
    return good ? EXIT_SUCCESS : EX_CONFIG;
}

int master_run(const struct master_options *options)
{
    struct master m = {.options = options,
                       .poller = {-1},
                       .signals = -1,
                       .maker.handoff = {-1, -1},
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
        return prove(conf);
    }
    if (!conf && role == UPGRADE_NONE)
        return EX_CONFIG;
    r = init(&m, role, &state);
    state_cleanup(&state);
    if (r < 0) {
        log_err("the master cannot start: %s", strerror(-r));
        conf_free(conf);
        m.exit_status = EXIT_FAILURE;
    } else {
        begin(&m, conf);
    }
    cleanup(&m);
    return m.exit_status;
}
