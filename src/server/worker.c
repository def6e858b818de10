#include "server/worker.h"

#include "base/log.h"
#include "base/util.h"
#include "server/channel.h"
#include "server/loop.h"
#include "sys/listener.h"
#include "sys/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

// Descriptors of a worker: stdio, log, channel, signals, the handoff, and a few for libraries.
#define RESERVED_FDS 14u

// Descriptors of a loop: poller, control, reader, spare, and a file that is being looked at.
#define LOOP_FDS 5u

#define CONNECTIONS_MAX 65536u

struct worker {
    const struct heritage *heritage;
    struct service service;
    struct loop *loops;
    pthread_t *threads; // of loops[1] and on; loops[0] runs in the first thread
    size_t loop_count;
    size_t thread_count;
    _Atomic bool *leaving; // for each listener, and the handoff
    _Atomic bool draining;
    struct source signals;
    struct source channel;
    _Atomic size_t accepting; // loops that still accept
};

static void poke_all(struct worker *w, enum loop_phase phase)
{
    for (size_t i = 0; i < w->loop_count; i++)
        loop_poke(&w->loops[i], phase);
}

// The listening sockets are shared by all workers and by the master: the port is free when the
// last of them has closed its own.
static void on_stopped_accepting(void *context)
{
    struct worker *w = context;
    if (atomic_fetch_sub(&w->accepting, 1) > 1)
        return;
    for (size_t i = 0; i < w->heritage->listener_count; i++)
        close(w->heritage->listeners[i]);
}

// A successor has to open it: what a worker may see was settled when it started.
static void on_swapped(void *context)
{
    const struct worker *w = context;
    channel_send(w->channel.fd, CHANNEL_ROOT, 0, -1);
}

// Nobody else is there to prepare the listeners for their end.
static void lose_master(struct worker *w)
{
    for (size_t i = 0; i < w->heritage->listener_count; i++)
        listener_stop_deferring(w->heritage->listeners[i]);
    poller_remove(&w->loops[0].poller, w->channel.fd);
    poke_all(w, LOOP_STOPPING);
}

// The new log takes the old one's number, so that all loops write to it from now on.
static void replace_log(struct worker *w, int fd)
{
    if (w->service.access_log >= 0)
        dup3(fd, w->service.access_log, O_CLOEXEC);
}

static void heed_channel(struct worker *w)
{
    struct channel_message message;
    int fd, r;
    while ((r = channel_receive(w->channel.fd, &message, &fd)) > 0) {
        if (message.type == CHANNEL_LEAVE && message.value <= w->heritage->listener_count)
            atomic_store(&w->leaving[message.value], true);
        else if (message.type == CHANNEL_RETIRE)
            poke_all(w, message.value ? LOOP_HANDING : LOOP_RETIRING);
        else if (message.type == CHANNEL_TRY)
            poke_all(w, LOOP_SERVING);
        else if (message.type == CHANNEL_DRAIN)
            atomic_store(&w->draining, true);
        else if (message.type == CHANNEL_LOG && fd >= 0)
            replace_log(w, fd);
        if (fd >= 0)
            close(fd);
    }
    if (r != -EAGAIN)
        lose_master(w);
}

static void heed_signals(struct worker *w)
{
    int signal;
    // Also the service manager or a terminal may send it to the whole group: then the master says
    // what is to be done. Only its own end (PR_SET_PDEATHSIG) leaves it to the worker.
    while ((signal = signals_next(w->signals.fd)))
        if (signal == SIGTERM && getppid() != w->heritage->master)
            poke_all(w, LOOP_STOPPING);
}

static void on_control(void *context)
{
    heed_channel(context);
    heed_signals(context);
}

// Shares the descriptors that the system allows between what is fixed, files that are kept open,
// and connections. A connection that sends a file may need two; when they run out all the same,
// files and idle connections give way (acceptor.c, filecache.c).
static void share_descriptors(struct worker *w)
{
    const struct conf *conf = w->heritage->conf;
    uint64_t fixed = RESERVED_FDS + w->heritage->listener_count +
                     sites_fd_count(w->heritage->sites) + LOOP_FDS * conf->threads;
    uint64_t wanted = conf->limits.connections ? conf->limits.connections : CONNECTIONS_MAX;
    uint64_t all = privs_raise_nofile(fixed + conf->cache.files + wanted);
    uint64_t rest = all > 2 * fixed ? all - fixed : all / 2;
    uint64_t files = MIN(conf->cache.files, rest / 2);
    uint64_t connections = MIN(wanted, rest - files);

    if (conf->limits.connections > connections)
        log_notice("limits.connections is cut from %" PRIu64 " to %" PRIu64
                   ": a process may have %" PRIu64 " descriptors (RLIMIT_NOFILE)",
                   conf->limits.connections, connections, all);
    w->service.file_limit = (uint32_t)(files / conf->threads);
    w->service.connection_limit = (uint32_t)MAX(connections / conf->threads, 1);
}

static int init_first_loop(struct worker *w)
{
    struct loop *first = &w->loops[0];
    first->on_control = on_control;
    first->control_context = w;
    int r = poller_add(&first->poller, w->signals.fd, POLLER_IN, &w->signals);
    if (r == 0)
        r = poller_add(&first->poller, w->channel.fd, POLLER_IN, &w->channel);
    return r;
}

static int init_loops(struct worker *w)
{
    const struct heritage *h = w->heritage;
    size_t count = h->conf->threads;
    int r = 0;
    w->loops = calloc(count, sizeof(*w->loops));
    w->threads = calloc(count, sizeof(*w->threads));
    w->service.leaving = w->leaving = calloc(h->listener_count + 1, sizeof(*w->leaving));
    if (!w->loops || !w->threads || !w->leaving)
        return -ENOMEM;
    while (r == 0 && w->loop_count < count) {
        r = loop_init(&w->loops[w->loop_count], &w->service,
                      &h->scoreboard->slots[h->first_slot + w->loop_count]);
        w->loop_count += r == 0;
    }
    w->accepting = count;
    return r == 0 ? init_first_loop(w) : r;
}

static void *run_thread(void *loop)
{
    loop_run(loop);
    return NULL;
}

static int start_threads(struct worker *w)
{
    for (size_t i = 1; i < w->loop_count; i++) {
        int error = pthread_create(&w->threads[i], NULL, run_thread, &w->loops[i]);
        if (error)
            return -error;
        w->thread_count++;
    }
    return 0;
}

static void finish(struct worker *w)
{
    uint32_t cut = 0;
    for (size_t i = 1; i <= w->thread_count; i++)
        pthread_join(w->threads[i], NULL);
    for (size_t i = 0; i < w->loop_count; i++) {
        cut += w->loops[i].cut;
        loop_cleanup(&w->loops[i]);
    }
    if (cut)
        channel_send(w->heritage->channel, CHANNEL_CUT, cut, -1);
    free(w->leaving);
    free(w->threads);
    free(w->loops);
    close(w->signals.fd);
}

// The steps of a start, in this order: signals first, so that none is lost; the door is closed
// before anything of a client's can come near, and before the first thread.
static int start(struct worker *w, const char **ret_what)
{
    static const int wanted[] = {SIGTERM, 0};
    const struct heritage *h = w->heritage;

    *ret_what = "signals";
    w->signals.fd = signals_open(wanted);
    if (w->signals.fd < 0)
        return w->signals.fd;
    int r = privs_confine_worker(h->privs, h->master, ret_what);
    if (r == 0)
        r = sandbox_enter(h->sandbox, &h->scoreboard->slots[h->first_slot].refused, ret_what);
    if (r < 0)
        return r;
    *ret_what = "event loop";
    share_descriptors(w);
    r = init_loops(w);
    if (r < 0)
        return r;
    *ret_what = "thread";
    return start_threads(w);
}

int worker_run(const struct heritage *h)
{
    const char *what;
    struct worker w = {
        .heritage = h,
        .service = {.conf = h->conf,
                    .sites = h->sites,
                    .types = h->types,
                    .listeners = h->listeners,
                    .listener_count = h->listener_count,
                    .addresses = h->addresses,
                    .admin = h->admin,
                    .draining = &w.draining,
                    .handoff_in = h->handoff_in,
                    .handoff_out = h->handoff_out,
                    .access_log = h->access_log,
                    .scoreboard = h->scoreboard,
                    .on_stopped_accepting = on_stopped_accepting,
                    .on_swapped = on_swapped,
                    .context = &w},
        .signals = {SOURCE_CONTROL, -1},
        .channel = {SOURCE_CONTROL, h->channel},
    };
    int r = start(&w, &what);
    if (r < 0) {
        log_err("a worker cannot start: %s: %s", what, strerror(-r));
        poke_all(&w, LOOP_RETIRING);
        finish(&w);
        return WORKER_EXIT_FAILED;
    }
    channel_send(h->channel, CHANNEL_READY, 0, -1);
    loop_run(&w.loops[0]);
    finish(&w);
    return WORKER_EXIT_OK;
}
