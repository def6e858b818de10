#include "daemon/generation.h"

#include "base/log.h"
#include "daemon/fetch.h"
#include "daemon/generation_open.h"
#include "daemon/handover.h"
#include "daemon/listeners_plan.h"
#include "daemon/watchdog.h"
#include "daemon/worker_process.h"
#include "server/channel.h"
#include "server/worker_sandbox.h"
#include "sys/cpus.h"
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- making ------------------------------------------------------------------------------------

static void report(void *context, const char *where, const char *message)
{
    (void)context;
    log_event(EVENT_LISTENER_FAILED, NULL, "%s: %s", where, message);
}

// Which site answers on which of the sockets.
static int bind_sites(struct generation *g)
{
    const char **addresses = calloc(g->listeners.count + 1, sizeof(*addresses));
    if (!addresses)
        return -ENOMEM;
    for (size_t i = 0; i < g->listeners.count; i++)
        addresses[i] = g->listeners.items[i].conf->address;
    int r = sites_bind(&g->served.sites, addresses, g->listeners.count);
    free(addresses);
    return r;
}

// Which proxies are believed, and on which of the sockets by a PROXY header.
static int set_proxies(struct generation *g)
{
    struct proxies *p = &g->served.proxies;
    int r = proxies_init(p, g->served.conf, g->listeners.count);
    for (size_t i = 0; r == 0 && i < g->listeners.count; i++)
        p->modes[i] = g->listeners.items[i].conf->proxy_protocol;
    return r;
}

static int make_workers(struct generation *g)
{
    const struct conf_limits *limits = &g->served.conf->limits;
    bool spare = limits->worker_requests || limits->worker_age; // for a successor
    unsigned threads = (unsigned)g->served.conf->threads;
    g->wanted = g->served.conf->workers ? (unsigned)g->served.conf->workers : cpus_usable();
    g->worker_count = g->wanted + spare;
    g->workers = calloc(g->worker_count, sizeof(*g->workers));
    g->upkeep.watchdogs = calloc((size_t)g->worker_count * threads, sizeof(*g->upkeep.watchdogs));
    if (!g->workers || !g->upkeep.watchdogs)
        return -ENOMEM;
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_process_init(&g->workers[i], g, i);
    if (spare)
        supervise_retire(&g->workers[g->wanted].policy);
    return scoreboard_init(&g->served.scoreboard, g->worker_count, threads);
}

static int make_sandbox(struct generation *g)
{
    int r = worker_sandbox_make(&g->sandbox, g->served.conf, &g->served.sites);
    if (r < 0)
        log_err("the sandbox of the workers cannot be made: %s", strerror(-r));
    return r;
}

// Opens all that can fail by the configuration alone; all that is wrong is logged.
static bool prepare(struct generation *g, struct fetched *f,
                    const struct listeners_inherited *inherited)
{
    int r = generation_open(g, f);
    int planned = listeners_plan(&g->listeners, g->served.conf, inherited, report, NULL);
    return r == 0 && planned == 0;
}

// Notes where the workers are to accept.
static int list_listeners(struct generation *g)
{
    struct served *s = &g->served;
    s->listeners = calloc(g->listeners.count + 1, sizeof(*s->listeners));
    s->addresses = calloc(g->listeners.count + 1, sizeof(*s->addresses));
    if (!s->listeners || !s->addresses)
        return -ENOMEM;
    for (size_t i = 0; i < g->listeners.count; i++) {
        s->listeners[i] = g->listeners.items[i].fd;
        listener_address(s->listeners[i], &s->addresses[i]);
    }
    s->listener_count = g->listeners.count;
    s->admin = g->listeners.admin;
    return 0;
}

// Looks at the sockets that are there already. An adopted one that is spoilt is not ours to
// replace.
static int look_at_listeners(struct generation *g, struct listeners *previous)
{
    listener_notes_look(&g->maker->notes, previous);
    listener_notes_look(&g->maker->notes, &g->listeners);
    for (size_t i = 0; i < g->listeners.count; i++)
        if (g->listeners.items[i].is_spoilt)
            return -1;
    return 0;
}

// Opens all that can fail by the state of the system.
static int acquire(struct generation *g, struct listeners *previous)
{
    int r = look_at_listeners(g, previous);
    if (r == 0)
        r = listeners_open(&g->listeners, previous, report, NULL);
    if (r == 0) {
        listener_notes_look(&g->maker->notes, &g->listeners);
        r = bind_sites(g);
        if (r == 0)
            r = set_proxies(g);
        if (r == 0)
            r = list_listeners(g);
        if (r == 0)
            r = make_workers(g);
        if (r < 0)
            log_err("a generation of workers cannot be set up: %s", strerror(-r));
    }
    if (r == 0)
        r = make_sandbox(g);
    return r;
}

// Fetches in a process that has nothing else to do. The result is to be cleaned up.
static int fetch_now(struct fetched *f, struct conf *conf, bool keeps_ids, enum fetched_log log)
{
    int r = fetched_init(f, conf, keeps_ids, log);
    if (r == 0)
        r = fetch_and_wait(f, (int64_t)conf->timeouts.root);
    if (r < 0)
        log_err("what the configuration names cannot be looked at: %s", strerror(-r));
    return r;
}

bool generation_check(struct conf *conf, bool keep_ids, struct sandbox *ret_sandbox)
{
    struct generation g = {.served = served_make(conf), .sandbox = SANDBOX_NONE};
    struct fetched f;
    bool good = fetch_now(&f, conf, keep_ids, FETCHED_LOG_CHECKED) == 0;
    good = good && prepare(&g, &f, NULL) && make_sandbox(&g) == 0;
    if (ret_sandbox)
        *ret_sandbox = g.sandbox;
    else
        sandbox_cleanup(&g.sandbox);
    fetched_cleanup(&f);
    listeners_close(&g.listeners, NULL);
    mimetable_cleanup(&g.served.types);
    sites_close(&g.served.sites);
    return good;
}

static struct generation *make_generation(struct conf *conf)
{
    struct generation *g = calloc(1, sizeof(*g));
    if (!g) {
        conf_free(conf);
        return NULL;
    }
    g->served = served_make(conf);
    g->sandbox = SANDBOX_NONE;
    list_init(&g->link);
    return g;
}

struct generation *generation_new_idle(struct conf *conf)
{
    struct fetched f;
    struct generation *g = make_generation(conf);
    if (!g) {
        log_err("no memory for the configuration");
        return NULL;
    }
    bool good = fetch_now(&f, conf, false, FETCHED_LOG_LEFT) == 0;
    good = good && prepare(g, &f, NULL) && bind_sites(g) == 0 && set_proxies(g) == 0;
    fetched_cleanup(&f);
    if (good)
        return g;
    generation_free(g, NULL);
    return NULL;
}

struct generation *generation_new(struct generation_maker *maker, unsigned id, struct fetched *f,
                                  struct generation *previous, bool *ret_usable)
{
    struct generation *g = make_generation(f->conf);
    if (!g) {
        *ret_usable = true;
        fetched_cleanup(f);
        log_err("no memory for a generation of workers");
        return NULL;
    }
    g->id = id;
    g->maker = maker;
    bool usable = prepare(g, f, &maker->inherited);
    fetched_cleanup(f);
    if (!usable || acquire(g, previous ? &previous->listeners : &maker->fdstore.listeners) < 0) {
        *ret_usable = usable;
        generation_free(g, previous);
        return NULL;
    }
    worker_sandbox_log(&g->sandbox, previous ? &previous->sandbox : NULL);
    return g;
}

static void cancel_timers(struct generation *g)
{
    timers_cancel(&g->kill);
    timers_cancel(&g->upkeep.look);
    for (unsigned i = 0; g->workers && i < g->worker_count; i++) {
        timers_cancel(&g->workers[i].start);
        timers_cancel(&g->workers[i].kill);
        timers_cancel(&g->workers[i].leave);
    }
}

void generation_free(struct generation *g, const struct generation *successor)
{
    list_remove(&g->link);
    cancel_timers(g);
    listeners_close(&g->listeners, successor ? &successor->listeners : NULL);
    sandbox_cleanup(&g->sandbox);
    served_cleanup(&g->served);
    free(g->upkeep.watchdogs);
    free(g->workers);
    free(g);
}

// ---- workers -----------------------------------------------------------------------------------

void generation_start(struct generation *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_process_start_if_due(&g->workers[i]);
}

bool generation_worker_ready(struct worker_process *w, int64_t now)
{
    const struct generation *g = w->generation;
    supervise_ready(&w->policy, now);
    if (g->phase != GENERATION_STARTING)
        return false;
    unsigned ready = 0;
    for (unsigned i = 0; i < g->worker_count; i++)
        ready += g->workers[i].policy.phase == SUPERVISE_READY;
    return ready == g->wanted;
}

bool generation_is_serving(const struct generation *g)
{
    return scoreboard_load(&g->served.scoreboard).loops > 0;
}

static void tell_all(struct generation *g, enum channel_type type, uint32_t value, int fd)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_process_tell(&g->workers[i], type, value, fd);
}

static void kill_late(void *context)
{
    struct generation *g = context;
    generation_kill(g);
}

void generation_kill_at(struct generation *g, int64_t when)
{
    if (!g->kill.due)
        timers_make(&g->kill, kill_late, g);
    timers_set(&g->maker->watches->timers, &g->kill, when);
}

static void kill_after_drain(struct generation *g, int64_t now)
{
    generation_kill_at(g, now + (int64_t)g->served.conf->timeouts.drain + GENERATION_KILL_DELAY);
}

static bool has_lost_workers(const struct generation *g)
{
    bool lost = g->maker->leftovers.count > 0;
    for (unsigned i = 0; i < g->worker_count; i++)
        lost = lost || g->workers[i].hangs;
    return lost;
}

// Nobody is to follow; and a process that cannot end would keep the ports.
static void note_ports(struct generation *g)
{
    for (size_t i = 0; i < g->listeners.count && has_lost_workers(g); i++)
        if (!g->listeners.items[i].inherited)
            leftovers_note_port(&g->maker->leftovers, g->listeners.items[i].fd);
}

void generation_end(struct generation *g, struct generation *successor, int64_t now)
{
    g->phase = GENERATION_ENDING;
    g->ended_at = now;
    kill_after_drain(g, now);
    for (unsigned i = 0; i < g->worker_count; i++)
        supervise_retire(&g->workers[i].policy);
    for (size_t i = 0; i < g->listeners.count; i++) {
        if (successor && listeners_has(&successor->listeners, &g->listeners.items[i]))
            continue;
        // A client that has connected but sent nothing yet must be accepted before it closes.
        listener_stop_deferring(g->listeners.items[i].fd);
        tell_all(g, CHANNEL_LEAVE_LISTENER, (uint32_t)i, -1);
    }
    if (!successor)
        note_ports(g);
    if (!successor) // nobody else will take what was handed over
        tell_all(g, CHANNEL_LEAVE_LISTENER, (uint32_t)g->listeners.count, -1);
    if (successor)
        handover_begin_all(g, successor);
    else
        tell_all(g, CHANNEL_RETIRE, false, -1);
    listeners_close(&g->listeners, successor ? &successor->listeners : NULL);
}

void generation_give_up(struct generation *g, struct generation *successor, int64_t now)
{
    for (unsigned i = 0; i < g->worker_count; i++) {
        struct worker_process *w = &g->workers[i];
        if (!successor || w->policy.phase != SUPERVISE_READY)
            worker_process_kill(w);
    }
    generation_end(g, successor, now);
}

void generation_make_unready(struct generation *g)
{
    g->is_unready = true;
    tell_all(g, CHANNEL_SAY_UNREADY, 0, -1);
}

void generation_stop_handing(struct generation *g, int64_t now)
{
    kill_after_drain(g, now);
    tell_all(g, CHANNEL_RETIRE, 0, -1);
}

void generation_poke(struct generation *g)
{
    tell_all(g, CHANNEL_TRY_LISTENERS, 0, -1);
}

void generation_kill(struct generation *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_process_kill(&g->workers[i]);
}

void generation_replace_log(struct generation *g, int fd)
{
    if (g->served.access_log < 0) {
        close(fd);
        return;
    }
    tell_all(g, CHANNEL_REPLACE_LOG, 0, fd);
    dup3(fd, g->served.access_log, O_CLOEXEC); // workers that are started later inherit it
    close(fd);
}
