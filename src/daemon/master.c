#include "daemon/master.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/commands.h"
#include "daemon/handover.h"
#include "daemon/log_loss.h"
#include "daemon/log_reopen.h"
#include "daemon/upkeep.h"
#include "daemon/worker_process.h"
#include "server/channel.h"
#include "sys/clock.h"
#include "sys/signals.h"
#include "sys/systemd.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// More descriptors than any worker will need; the hard limit bounds it.
#define NOFILE_WANTED (1u << 20)

struct master {
    const struct master_options *options;
    struct watches watches;
    int signals;
    struct watch signals_watch;
    struct generations generations;
    struct fetches fetches;
    struct service_manager service_manager;
    struct outcome outcome;
    struct control_socket control;
    struct reload reload;
    struct stop stop;
    struct explain_workers explain_workers;
    struct upgrade upgrade;
    struct status status;
    struct log_reopen log_reopen;
    struct log_loss log_loss;
    struct handover_loss handover_loss;
    struct timer each_second;
    struct commands commands;
};

// ---- events ------------------------------------------------------------------------------------

static void on_signal(struct master *m, int signal)
{
    if (signal == SIGTERM || signal == SIGINT)
        stop_request(&m->stop);
    else if (signal == SIGQUIT)
        stop_at_once(&m->stop);
    else if (signal == SIGHUP && m->options->hup_stops)
        stop_request(&m->stop);
    else if (signal == SIGHUP && !stop_is_ending(&m->stop))
        reload_start(&m->reload);
    else if (signal == SIGUSR1)
        log_reopen_start(&m->log_reopen, -1);
    else if (signal == SIGUSR2)
        upgrade_start(&m->upgrade);
}

static void on_signals(void *context)
{
    struct master *m = context;
    int signal;
    while ((signal = signals_next(m->signals)))
        on_signal(m, signal);
}

static void on_message(void *context, struct worker_process *w,
                       const struct channel_message *message)
{
    struct master *m = context;
    const unsigned id = w->generation->id;
    if (message->type == CHANNEL_STARTED) {
        if (w->generation->phase == GENERATION_CURRENT)
            handover_join(w);
        if (generation_worker_ready(w, clock_now()))
            reload_take_over(&m->reload);
        upkeep_worker_ready(w, clock_now());
        service_manager_change(&m->service_manager);
    } else if (message->type == CHANNEL_HANDED_OVER) {
        handover_note_sent(w, message->value);
    } else if (message->type == CHANNEL_ROOT_SWAPPED) {
        reload_check_roots(&m->reload);
    } else if (message->type == CHANNEL_PROXY_HEADER || message->type == CHANNEL_PROXY_MISSING) {
        listeners_notice_proxy(&w->generation->listeners, message->value,
                               message->type == CHANNEL_PROXY_MISSING, clock_now());
    } else if (message->type == CHANNEL_ANSWERS_CUT) {
        log_event(EVENT_ANSWERS_CUT,
                  &(struct event_fields){id, w->number, (int)w->child.pid, 0, NULL},
                  "worker %u of generation %u: %u answers were cut at timeouts.drain", w->number,
                  id, message->value);
    }
}

static void on_worker_end(void *context, struct worker_process *w)
{
    struct master *m = context;
    upkeep_worker_ended(w);
    handover_note_end(w);
    service_manager_change(&m->service_manager);
    generations_each(&m->generations, generation_poke);
    reload_check_listeners(&m->reload);
    if (w->generation == m->generations.starting)
        reload_give_up(&m->reload);
}

// The sockets are bound, the logs are open: what a later reload needs is all that is kept.
static void reduce_privileges(const struct generation *g)
{
    int r = privs_reduce_master(&g->privs);
    if (r < 0)
        log_warn("the master keeps its capabilities: %s", strerror(-r));
}

static void on_launched(void *context)
{
    struct master *m = context;
    if (m->generations.starting)
        reduce_privileges(m->generations.starting);
    else if (m->generations.current)
        upgrade_go_back_or_on(&m->upgrade);
}

static void on_taken_over(void *context)
{
    struct master *m = context;
    upgrade_forget_rollback(&m->upgrade);
}

static void on_failed_start(void *context)
{
    struct master *m = context;
    upgrade_go_back(&m->upgrade);
}

static void look_at_log(struct master *m)
{
    struct totals_report totals;
    generations_report_totals(&m->generations, &totals);
    log_loss_look(&m->log_loss, &totals, clock_now());
}

static void set_second(struct master *m)
{
    timers_set(&m->watches.timers, &m->each_second, clock_now() + LOG_LOSS_PERIOD);
}

static void on_second(void *context)
{
    struct master *m = context;
    look_at_log(m);
    handover_loss_look(&m->handover_loss);
    child_reap_left();
    set_second(m);
}

static bool is_over(const struct master *m)
{
    bool has_end = m->stop.has_begun || m->reload.exit_status;
    return has_end && list_is_empty(&m->generations.list);
}

static void serve(struct master *m)
{
    while (!is_over(m)) {
        watch_wait(&m->watches);
        // Only now: events of this wait may have pointed into them.
        reload_free_ended(&m->reload);
    }
}

// ---- the parts, and what each works with -------------------------------------------------------

static void wire_bottom(struct master *m, const struct master_options *options)
{
    struct generation_maker *maker = &m->generations.maker;
    generations_init(&m->generations);
    fetches_init(&m->fetches, &m->watches);
    m->log_reopen = (struct log_reopen){.generations = &m->generations, .fetches = &m->fetches};
    maker->watches = &m->watches;
    maker->events = (struct worker_process_events){on_message, on_worker_end, m};
    maker->keep_ids = options->keep_ids;
    m->service_manager = (struct service_manager){
        .generations = &m->generations, .facts = status_fill_facts, .context = &m->status};
    m->outcome.service_manager = &m->service_manager;
    m->control = (struct control_socket){.is_wanted = options->control,
                                         .commands = commands_table,
                                         .context = &m->commands,
                                         .watches = &m->watches};
    explain_worker_init(&m->explain_workers, &m->watches);
}

static void wire_top(struct master *m, const struct master_options *options)
{
    m->handover_loss = (struct handover_loss){.generations = &m->generations};
    m->reload = (struct reload){.generations = &m->generations,
                                .control = &m->control,
                                .service_manager = &m->service_manager,
                                .outcome = &m->outcome,
                                .handover_loss = &m->handover_loss,
                                .load = options->load,
                                .load_context = options->context,
                                .events = {on_launched, on_taken_over, on_failed_start, m},
                                .fetches = &m->fetches};
    reload_init(&m->reload);
    m->stop = (struct stop){.generations = &m->generations,
                            .service_manager = &m->service_manager,
                            .reload = &m->reload};
    stop_init(&m->stop);
    m->upgrade = (struct upgrade){.generations = &m->generations,
                                  .service_manager = &m->service_manager,
                                  .outcome = &m->outcome,
                                  .reload = &m->reload,
                                  .stop = &m->stop,
                                  .explain_workers = &m->explain_workers,
                                  .fetches = &m->fetches,
                                  .log_reopen = &m->log_reopen};
    upgrade_init(&m->upgrade);
    m->status = (struct status){&m->generations, &m->outcome, &m->stop, &m->reload};
    m->commands = (struct commands){.generations = &m->generations,
                                    .service_manager = &m->service_manager,
                                    .outcome = &m->outcome,
                                    .reload = &m->reload,
                                    .upgrade = &m->upgrade,
                                    .stop = &m->stop,
                                    .explain_workers = &m->explain_workers,
                                    .status = &m->status,
                                    .log_reopen = &m->log_reopen,
                                    .file = options->file};
}

// ---- beginning and end -------------------------------------------------------------------------

static int open_signals(struct master *m)
{
    // Under nohup the end of a terminal stops neither this image nor one that an upgrade executes.
    const bool is_nohup = m->options->hup_stops && signals_is_ignored(SIGHUP);
    const int wanted[] = {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, is_nohup ? 0 : SIGHUP, 0};
    m->signals = signals_open(wanted);
    if (m->signals < 0)
        return m->signals;
    m->signals_watch = (struct watch){on_signals, m};
    return watch_add(&m->watches, m->signals, &m->signals_watch);
}

// For a master that takes over from no other.
static int init_first(struct generations *gs)
{
    struct fdstore *store = &gs->maker.fdstore;
    int r = systemd_take_sockets(gs->inherited, GENERATIONS_INHERITED_MAX);
    if (r < 0)
        return r;
    size_t count = fdstore_take(store, gs->inherited, (size_t)r);
    gs->maker.inherited = (struct listeners_inherited){gs->inherited, count};
    fdstore_read_totals(store, &gs->maker.totals.ended);
    fdstore_read_notes(store, &gs->maker.notes);
    return 0;
}

// `s` is what a predecessor has left, or NULL.
static int init(struct master *m, const struct upgrade_state *s)
{
    int r = watch_init(&m->watches);
    m->generations.started_s = clock_wall_s();
    service_manager_begin(&m->service_manager, s != NULL);
    if (r == 0)
        r = open_signals(m);
    privs_raise_nofile(NOFILE_WANTED);
    if (r == 0)
        r = s ? upgrade_take_over(&m->upgrade, s) : init_first(&m->generations);
    if (r < 0 && s)
        upgrade_exec_go_back(&m->upgrade.exec, s);
    return r;
}

static void cleanup_master(struct master *m)
{
    reload_dismiss(&m->reload);
    log_reopen_cleanup(&m->log_reopen);
    service_manager_end(&m->service_manager);
    explain_worker_cleanup(&m->explain_workers);
    fetches_cleanup(&m->fetches);
    control_socket_cleanup(&m->control);
    generations_cleanup(&m->generations);
    if (m->signals >= 0)
        close(m->signals);
    upgrade_cleanup(&m->upgrade);
    child_forget_left();
    watch_cleanup(&m->watches);
}

static void begin_log_loss(struct master *m)
{
    struct totals_report totals;
    generations_report_totals(&m->generations, &totals);
    log_loss_begin(&m->log_loss, totals.counts.log_dropped);
    timers_make(&m->each_second, on_second, m);
    set_second(m);
}

static void begin_service(struct master *m, struct conf *conf)
{
    handover_loss_begin(&m->handover_loss);
    begin_log_loss(m);
    reload_begin(&m->reload);
    if (conf)
        reload_start_first(&m->reload, conf);
    else
        on_launched(m);
}

// How long the configuration's roots and files may take in a proof, which has a deadline itself: a
// root that does not answer is no reason against it.
#define PROOF_PATIENCE 1000 // ms

// Shows that a state like this could be taken over.
static int prove(struct upgrade_exec *u, struct conf *conf, bool keep_ids)
{
    if (conf)
        conf->timeouts.root = MIN(conf->timeouts.root, PROOF_PATIENCE);
    bool good = conf && generation_check(conf, keep_ids, NULL);
    conf_free(conf);
    if (good)
        upgrade_exec_confirm(u);
    return good ? EXIT_SUCCESS : RELOAD_EX_CONFIG;
}

// Takes `conf` over.
static int run_until_stopped(struct master *m, struct conf *conf, const struct upgrade_state *s)
{
    int r = init(m, s);
    if (r < 0) {
        log_event(EVENT_START_FAILED, &(struct event_fields){.error = -r},
                  "the master cannot start: %s", strerror(-r));
        conf_free(conf);
    } else {
        begin_service(m, conf);
        serve(m);
        look_at_log(m);
    }
    cleanup_master(m);
    return r < 0 ? EXIT_FAILURE : m->reload.exit_status;
}

int master_run(const struct master_options *options)
{
    struct master m = {.options = options, .watches.poller = {-1}, .signals = -1};
    struct upgrade_state state = {.image = -1};
    enum upgrade_exec_role role;
    wire_bottom(&m, options);
    wire_top(&m, options);
    int r = upgrade_exec_init(&m.upgrade.exec, options->argv, &role, &state);
    if (r < 0) {
        log_err("the state of the master cannot be read: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    struct conf *conf = options->load(options->context);
    if (role == UPGRADE_EXEC_PROVER)
        r = prove(&m.upgrade.exec, conf, options->keep_ids);
    else if (!conf && role == UPGRADE_EXEC_NONE)
        r = RELOAD_EX_CONFIG;
    else
        r = run_until_stopped(&m, conf, role == UPGRADE_EXEC_SUCCESSOR ? &state : NULL);
    upgrade_state_cleanup(&state);
    return r;
}
