#include "daemon/generation.h"

#include "base/log.h"
#include "daemon/postmortem.h"
#include "server/accesslog.h"
#include "server/channel.h"
#include "server/confinement.h"
#include "server/worker.h"
#include "sys/clock.h"
#include "sys/cpus.h"
#include "sys/hiding.h"
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A process that is traced is its tracer's to reap first (ptrace(2)): strace, a debugger, a leak
// checker. Until then its pidfd is readable, and waiting for that would spin.
#define REAP_DELAY 50 // ms

// ---- making ------------------------------------------------------------------------------------

static void report(void *context, const char *where, const char *message)
{
    (void)context;
    log_event(EVENT_LISTENER_FAILED, NULL, "%s: %s", where, message);
}

static int open_sites(struct generation *g)
{
    struct sites_failure failed;
    char where[CONF_ORIGIN_MAX];
    int r = sites_open(&g->sites, g->conf, &failed);
    if (r < 0 && failed.directory)
        log_event(EVENT_ROOT_FAILED, &(struct event_fields){.site = failed.directory, .error = -r},
                  "%s: root \"%s\" cannot be opened: %s%s",
                  conf_origin_format(failed.origin, where), failed.directory, strerror(-r),
                  hiding_is_hidden(failed.directory) ? "; " HIDING_TEXT : "");
    else if (r < 0)
        log_err("the sites cannot be set up: %s", strerror(-r));
    return r;
}

// Which site answers on which of the sockets.
static int bind_sites(struct generation *g)
{
    const char **addresses = calloc(g->listeners.count + 1, sizeof(*addresses));
    if (!addresses)
        return -ENOMEM;
    for (size_t i = 0; i < g->listeners.count; i++)
        addresses[i] = g->listeners.items[i].conf->address;
    int r = sites_bind(&g->sites, addresses, g->listeners.count);
    free(addresses);
    return r;
}

// That the usual file is not there is nothing to talk about: the core knows what a site needs.
static int load_types(struct generation *g)
{
    const char *path = g->conf->mime_types;
    int r = mimetable_load(&g->types, path);
    if (r == -ENOENT && conf_is_default(g->conf, "mime_types"))
        return 0;
    if (r < 0)
        log_err("the media types \"%s\" cannot be read: %s", path,
                r == -EINVAL ? "not a regular file" : strerror(-r));
    return r;
}

// `ret_fd` NULL: tells whether it could be opened.
static int open_log(const char *name, int *ret_fd)
{
    int r = ret_fd ? accesslog_open(name, ret_fd) : accesslog_check(name);
    if (r < 0)
        log_err("the access log \"%s\" cannot be opened: %s", name, strerror(-r));
    return r;
}

static int resolve_privs(struct generation *g, bool keep_ids)
{
    const struct conf *c = g->conf;
    const char *what = "user";
    int r;
    if (keep_ids)
        return 0;
    r = privs_resolve(c->user, c->group, &g->privs, &what);
    if (r == -ENOENT)
        log_err("there is no %s \"%s\"; create it (useradd --system %s), or set `%s` in the "
                "configuration",
                what, strcmp(what, "user") == 0 ? c->user : c->group, c->user, what);
    else if (r < 0)
        log_err("the %s of the workers cannot be looked up: %s", what, strerror(-r));
    return r;
}

static int make_workers(struct generation *g)
{
    const struct conf_limits *limits = &g->conf->limits;
    bool spare = limits->worker_requests || limits->worker_age; // for a successor
    unsigned threads = (unsigned)g->conf->threads;
    g->wanted = g->conf->workers ? (unsigned)g->conf->workers : cpus_usable();
    g->worker_count = g->wanted + spare;
    g->workers = calloc(g->worker_count, sizeof(*g->workers));
    g->watchdogs = calloc((size_t)g->worker_count * threads, sizeof(*g->watchdogs));
    if (!g->workers || !g->watchdogs)
        return -ENOMEM;
    for (unsigned i = 0; i < g->worker_count; i++) {
        g->workers[i].channel_watch = (struct watch){WATCH_CHANNEL, g, i};
        g->workers[i].child_watch = (struct watch){WATCH_CHILD, g, i};
    }
    if (spare)
        supervise_retire(&g->workers[g->wanted].policy);
    return scoreboard_init(&g->scoreboard, g->worker_count * threads);
}

static int make_sandbox(struct generation *g)
{
    int r = confinement_for_worker(&g->sandbox, g->conf, &g->sites);
    if (r < 0)
        log_err("the sandbox of the workers cannot be made: %s", strerror(-r));
    return r;
}

// What the configuration alone decides.
static int prepare(struct generation *g, const struct generation_maker *maker)
{
    int r = resolve_privs(g, maker->keep_ids);
    if (r == 0)
        r = open_sites(g);
    if (r == 0)
        r = load_types(g);
    if (r == 0)
        r = open_log(g->conf->log.access, &g->access_log);
    if (r == 0)
        r = listeners_plan(&g->listeners, g->conf, &maker->inherited, report, NULL);
    return r;
}

// What the state of the system can prevent.
static int acquire(struct generation *g, const struct listeners *previous)
{
    int r = listeners_open(&g->listeners, previous, report, NULL);
    if (r == 0) {
        r = bind_sites(g);
        if (r == 0)
            r = make_workers(g);
        if (r < 0)
            log_err("a generation of workers cannot be set up: %s", strerror(-r));
    }
    if (r == 0)
        r = make_sandbox(g);
    return r;
}

bool generation_check(struct conf *conf, bool keep_ids, struct sandbox *ret_sandbox)
{
    struct generation g = {.conf = conf, .sandbox = SANDBOX_NONE};
    int errors = resolve_privs(&g, keep_ids) < 0;
    errors += open_sites(&g) < 0;
    errors += load_types(&g) < 0;
    errors += open_log(conf->log.access, NULL) < 0;
    errors += listeners_plan(&g.listeners, conf, NULL, report, NULL) < 0;
    if (errors == 0)
        errors += make_sandbox(&g) < 0;
    if (ret_sandbox)
        *ret_sandbox = g.sandbox;
    else
        sandbox_cleanup(&g.sandbox);
    listeners_close(&g.listeners, NULL);
    mimetable_cleanup(&g.types);
    sites_close(&g.sites);
    return errors == 0;
}

struct generation *generation_new_idle(struct conf *conf)
{
    struct generation *g = calloc(1, sizeof(*g));
    if (!g) {
        conf_free(conf);
        log_err("no memory for the configuration");
        return NULL;
    }
    g->conf = conf;
    g->access_log = -1;
    g->sandbox = SANDBOX_NONE;
    list_init(&g->link);
    int errors = resolve_privs(g, false) < 0;
    errors += open_sites(g) < 0;
    errors += load_types(g) < 0;
    errors += listeners_plan(&g->listeners, conf, NULL, report, NULL) < 0;
    if (errors || bind_sites(g) < 0) {
        generation_free(g, NULL);
        return NULL;
    }
    return g;
}

struct generation *generation_new(struct generation_maker *maker, unsigned id, struct conf *conf,
                                  const struct generation *previous, bool *ret_usable)
{
    struct generation *g = calloc(1, sizeof(*g));
    if (!g) {
        *ret_usable = true;
        conf_free(conf);
        log_err("no memory for a generation of workers");
        return NULL;
    }
    g->id = id;
    g->conf = conf;
    g->access_log = -1;
    g->sandbox = SANDBOX_NONE;
    g->poller = maker->poller;
    g->handoff = maker->handoff;
    g->totals = &maker->totals;
    g->looked = clock_now();
    g->deadline = g->looked + GENERATION_START_TIME;
    list_init(&g->link);
    bool usable = prepare(g, maker) == 0;
    if (!usable || acquire(g, previous ? &previous->listeners : &maker->store.listeners) < 0) {
        *ret_usable = usable;
        generation_free(g, previous);
        return NULL;
    }
    confinement_log(&g->sandbox, previous ? &previous->sandbox : NULL);
    return g;
}

void generation_free(struct generation *g, const struct generation *successor)
{
    list_remove(&g->link);
    listeners_close(&g->listeners, successor ? &successor->listeners : NULL);
    sandbox_cleanup(&g->sandbox);
    sites_close(&g->sites);
    mimetable_cleanup(&g->types);
    scoreboard_cleanup(&g->scoreboard);
    if (g->access_log >= 0)
        close(g->access_log);
    free(g->watchdogs);
    free(g->workers);
    conf_free(g->conf);
    free(g);
}

// ---- workers -----------------------------------------------------------------------------------

struct start {
    struct generation *generation;
    unsigned worker;
    int *listeners;
    struct endpoint *addresses;
    pid_t master;
};

// In the child.
static int run_worker(void *context, int channel)
{
    struct start *s = context;
    struct generation *g = s->generation;
    const struct heritage heritage = {
        .conf = g->conf,
        .sites = &g->sites,
        .types = &g->types,
        .listeners = s->listeners,
        .listener_count = g->listeners.count,
        .addresses = s->addresses,
        .admin = g->listeners.admin,
        .handoff_in = g->handoff[0],
        .handoff_out = g->handoff[1],
        .access_log = g->access_log,
        .channel = channel,
        .scoreboard = &g->scoreboard,
        .first_slot = s->worker * (unsigned)g->conf->threads,
        .privs = &g->privs,
        .sandbox = &g->sandbox,
        .master = s->master,
    };
    return worker_run(&heritage);
}

// The descriptors that a worker keeps: listeners first. The caller frees.
static int *inherited_fds(const struct generation *g, size_t *ret_count)
{
    int *fds = calloc(g->listeners.count + sites_fd_count(&g->sites) + 4, sizeof(*fds));
    size_t n = 0;
    if (!fds)
        return NULL;
    for (size_t i = 0; i < g->listeners.count; i++)
        fds[n++] = g->listeners.items[i].fd;
    sites_fds(&g->sites, fds + n);
    n += sites_fd_count(&g->sites);
    fds[n++] = g->handoff[0];
    fds[n++] = g->handoff[1];
    if (g->access_log >= 0)
        fds[n++] = g->access_log;
    if (g->sandbox.ruleset >= 0)
        fds[n++] = g->sandbox.ruleset;
    *ret_count = n;
    return fds;
}

// The addresses that the listeners are bound to, in their order. The caller frees.
static struct endpoint *bound_addresses(const struct generation *g)
{
    struct endpoint *addresses = calloc(g->listeners.count + 1, sizeof(*addresses));
    for (size_t i = 0; addresses && i < g->listeners.count; i++)
        listener_address(g->listeners.items[i].fd, &addresses[i]);
    return addresses;
}

static int watch_worker(struct generation *g, struct generation_worker *w)
{
    int r = poller_add(g->poller, w->child.channel, POLLER_IN, &w->channel_watch);
    if (r == 0)
        r = poller_add(g->poller, w->child.pidfd, POLLER_IN, &w->child_watch);
    return r;
}

static int spawn(struct generation *g, unsigned worker)
{
    struct generation_worker *w = &g->workers[worker];
    size_t count = 0;
    int *fds = inherited_fds(g, &count);
    struct endpoint *addresses = bound_addresses(g);
    struct start start = {g, worker, fds, addresses, getpid()};
    int r = fds && addresses ? child_spawn(&w->child, run_worker, &start, fds, count) : -ENOMEM;
    free(addresses);
    free(fds);
    if (r == 0 && (r = watch_worker(g, w)) < 0)
        child_kill(&w->child);
    return r;
}

static void tell(struct generation *g, unsigned worker, enum channel_type type, uint32_t value,
                 int fd)
{
    const struct child *child = &g->workers[worker].child;
    int r = child->pid ? channel_send(child->channel, type, value, fd) : 0;
    if (r < 0 && r != -EPIPE) // it has ended: that is heard of elsewhere
        log_warn("worker %u of generation %u (pid %d) does not listen: %s", worker, g->id,
                 (int)child->pid, strerror(-r));
}

static void start(struct generation *g, unsigned worker, int64_t now)
{
    struct generation_worker *w = &g->workers[worker];
    supervise_started(&w->policy);
    int r = spawn(g, worker);
    if (r == 0) {
        g->alive++;
        if (g->draining)
            tell(g, worker, CHANNEL_DRAIN, 0, -1);
        return;
    }
    supervise_died(&w->policy, now);
    g->failed = g->phase == GENERATION_STARTING;
    log_event(EVENT_WORKER_FAILED, &(struct event_fields){.generation = g->id, .error = -r},
              "worker %u of generation %u cannot be started: %s", worker, g->id, strerror(-r));
}

void generation_do_due(struct generation *g, int64_t now)
{
    if (g->phase == GENERATION_ENDING && now >= g->deadline) {
        generation_kill(g);
        g->deadline = now +
                      GENERATION_KILL_DELAY; // a process that waits for a disk dies when it likes
    }
    for (unsigned i = 0; i < g->worker_count && g->phase != GENERATION_ENDING; i++)
        if (supervise_is_due(&g->workers[i].policy, now))
            start(g, i, now);
}

int64_t generation_next(const struct generation *g)
{
    int64_t next = g->phase == GENERATION_CURRENT ? -1 : g->deadline;
    for (unsigned i = 0; i < g->worker_count; i++) {
        const struct generation_worker *w = &g->workers[i];
        next = clock_earlier(next, w->reap_at ? w->reap_at : -1);
        if (g->phase != GENERATION_ENDING)
            next = clock_earlier(next, supervise_next(&w->policy));
    }
    return next;
}

bool generation_worker_ready(struct generation *g, unsigned worker, int64_t now)
{
    supervise_ready(&g->workers[worker].policy, now);
    if (g->phase != GENERATION_STARTING)
        return false;
    unsigned ready = 0;
    for (unsigned i = 0; i < g->worker_count; i++)
        ready += g->workers[i].policy.phase == SUPERVISE_READY;
    return ready == g->wanted;
}

bool generation_reap_is_due(const struct generation *g, unsigned worker, int64_t now)
{
    const struct generation_worker *w = &g->workers[worker];
    return w->reap_at && now >= w->reap_at;
}

struct scoreboard_slot *generation_slots(const struct generation *g, unsigned worker)
{
    // Of workers of another image the slots are not known.
    struct scoreboard_slot *all = g->scoreboard.slots;
    return all ? &all[worker * g->conf->threads] : NULL;
}

bool generation_is_serving(const struct generation *g)
{
    for (uint32_t i = 0; i < g->scoreboard.count; i++)
        if (atomic_load_explicit(&g->scoreboard.slots[i].phase, memory_order_relaxed) ==
            SCOREBOARD_SERVING)
            return true;
    return false;
}

static void log_end(const struct generation *g, unsigned worker, int pid, int status, int64_t now)
{
    const struct scoreboard_slot *slots = generation_slots(g, worker);
    char text[POSTMORTEM_MAX];
    struct buf b = buf_make(text, sizeof(text));
    postmortem_describe_end(&b, slots, status);
    postmortem_describe(&b, slots, (uint32_t)g->conf->threads, now);
    log_event(EVENT_WORKER_DIED,
              &(struct event_fields){.generation = g->id, .worker = worker, .pid = pid},
              "worker %u of generation %u (pid %d) %.*s", worker, g->id, pid, (int)b.len, text);
}

static void fold_slots(struct generation *g, unsigned worker)
{
    for (uint64_t i = 0; i < g->conf->threads; i++)
        totals_fold(g->totals, &generation_slots(g, worker)[i]);
}

bool generation_worker_ended(struct generation *g, unsigned worker, int64_t now)
{
    struct generation_worker *w = &g->workers[worker];
    const int pid = (int)w->child.pid;
    int status;
    poller_remove(g->poller, w->child.channel);
    poller_remove(g->poller, w->child.pidfd);
    if (child_reap(&w->child, &status) < 0) {
        w->reap_at = now + REAP_DELAY;
        return false;
    }
    w->reap_at = 0;
    child_close(&w->child);
    g->alive--;
    if (w->policy.phase != SUPERVISE_RETIRED || status != 0)
        log_end(g, worker, pid, status, now);
    fold_slots(g, worker);
    supervise_died(&w->policy, now);
    return true;
}

static void tell_all(struct generation *g, enum channel_type type, uint32_t value, int fd)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        tell(g, i, type, value, fd);
}

void generation_end(struct generation *g, const struct generation *successor, int64_t now)
{
    g->phase = GENERATION_ENDING;
    g->ended_at = now;
    g->deadline = now + (int64_t)g->conf->timeouts.drain + GENERATION_KILL_DELAY;
    for (unsigned i = 0; i < g->worker_count; i++)
        supervise_retire(&g->workers[i].policy);
    for (size_t i = 0; i < g->listeners.count; i++) {
        if (successor && listeners_has(&successor->listeners, &g->listeners.items[i]))
            continue;
        // Who has connected but sent nothing yet is to be accepted before it is closed.
        listener_stop_deferring(g->listeners.items[i].fd);
        tell_all(g, CHANNEL_LEAVE, (uint32_t)i, -1);
    }
    if (!successor) // nobody else will take what was handed over
        tell_all(g, CHANNEL_LEAVE, (uint32_t)g->listeners.count, -1);
    tell_all(g, CHANNEL_RETIRE, successor != NULL, -1);
    listeners_close(&g->listeners, successor ? &successor->listeners : NULL);
}

void generation_give_up(struct generation *g, const struct generation *successor, int64_t now)
{
    for (unsigned i = 0; i < g->worker_count; i++) {
        const struct generation_worker *w = &g->workers[i];
        if (w->child.pid && (!successor || w->policy.phase != SUPERVISE_READY))
            kill(w->child.pid, SIGKILL);
    }
    generation_end(g, successor, now);
}

void generation_drain(struct generation *g)
{
    g->draining = true;
    tell_all(g, CHANNEL_DRAIN, 0, -1);
}

void generation_retire_worker(struct generation *g, unsigned worker)
{
    tell(g, worker, CHANNEL_RETIRE, true, -1);
}

void generation_stop_handing(struct generation *g, int64_t now)
{
    g->deadline = now + (int64_t)g->conf->timeouts.drain + GENERATION_KILL_DELAY;
    tell_all(g, CHANNEL_RETIRE, 0, -1);
}

void generation_poke(struct generation *g)
{
    tell_all(g, CHANNEL_TRY, 0, -1);
}

void generation_kill(struct generation *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].child.pid)
            kill(g->workers[i].child.pid, SIGKILL);
}

void generation_reopen_log(struct generation *g)
{
    int fd;
    if (g->access_log < 0 || open_log(g->conf->log.access, &fd) < 0)
        return;
    tell_all(g, CHANNEL_LOG, 0, fd);
    dup3(fd, g->access_log, O_CLOEXEC); // workers that are started later inherit it
    close(fd);
}
