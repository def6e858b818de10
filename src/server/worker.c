#include "server/worker.h"

#include "base/log.h"
#include "base/util.h"
#include "server/channel.h"
#include "server/loop.h"
#include "sys/clock.h"
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

// Descriptors of a loop: poller, poke, readahead, answers, spare, and a file that is looked at. For
// each worker that hands over it has one more; there may be as many as there are places now.
#define LOOP_FDS 6u

#define CONNECTIONS_MAX 65536u

// How often all loops together give the master a notice of one kind: it ends a worker that sends
// too many messages (daemon/channel_guard.h).
#define NOTICE_PERIOD 1000 // ms

struct worker {
    const struct worker_setup *setup;
    struct context_shared shared;
    struct loop *loops;
    pthread_t *threads; // of loops[1] and on; loops[0] runs in the first thread
    size_t loop_count;
    size_t thread_count;
    struct budget listing_memory;
    _Atomic bool *leaving; // for each listener, and the handoff
    _Atomic bool is_unready;
    _Atomic int handoff_out;       // -1: none
    _Atomic bool reports_handover; // the master wants to know how many connections were handed over
    _Atomic size_t handing;        // loops that have not yet handed over what they can at once
    struct source signals;
    struct source channel;
    _Atomic size_t accepting; // loops that still accept
    bool is_left;             // threads do not end
    _Atomic bool has_started; // the master was told so
    // When it had these notices last; 0: never.
    _Atomic int64_t swap_told, proxy_told[PROXY_NOTICE_MISSING + 1];
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
    for (size_t i = 0; i < w->setup->served->listener_count; i++)
        close(w->setup->served->listeners[i]);
}

static void tell_handed_over(const struct worker *w)
{
    const struct worker_setup *s = w->setup;
    const struct scoreboard_slot *slots = s->served->scoreboard.places[s->place].slots;
    uint64_t count = 0;
    for (size_t i = 0; i < w->loop_count; i++)
        count += atomic_load_explicit(&slots[i].closed[CONN_CLOSE_HANDED], memory_order_relaxed);
    channel_send(s->channel, CHANNEL_HANDED_OVER, (uint32_t)MIN(count, UINT32_MAX), -1);
}

static void on_handed_over(void *context)
{
    struct worker *w = context;
    if (atomic_fetch_sub(&w->handing, 1) == 1 && w->reports_handover)
        tell_handed_over(w);
}

// A notice that any loop may give, again and again. Before the start was told it is none of ours.
static void give_notice(const struct worker *w, _Atomic int64_t *told, enum channel_type type,
                        uint32_t value)
{
    int64_t now = clock_now(), last = atomic_load(told);
    bool is_due = last == 0 || now - last >= NOTICE_PERIOD;
    if (atomic_load(&w->has_started) && is_due && atomic_compare_exchange_strong(told, &last, now))
        channel_send(w->channel.fd, type, value, -1);
}

// A successor has to open it: what a worker may see was settled when it started.
static void on_swapped(void *context)
{
    struct worker *w = context;
    give_notice(w, &w->swap_told, CHANNEL_ROOT_SWAPPED, 0);
}

static void on_proxy(void *context, enum proxy_notice notice, size_t listener)
{
    static const enum channel_type types[] = {
        [PROXY_NOTICE_UNEXPECTED] = CHANNEL_PROXY_HEADER,
        [PROXY_NOTICE_MISSING] = CHANNEL_PROXY_MISSING,
    };
    struct worker *w = context;
    give_notice(w, &w->proxy_told[notice], types[notice], (uint32_t)listener);
}

// Nobody else is there to prepare the listeners for their end.
static void lose_master(struct worker *w)
{
    for (size_t i = 0; i < w->setup->served->listener_count; i++)
        listener_stop_deferring(w->setup->served->listeners[i]);
    poller_remove(&w->loops[0].ctx.poller, w->channel.fd);
    poke_all(w, LOOP_STOPPING);
}

// The new log takes the old one's number, so that all loops write to it from now on.
static void replace_log(struct worker *w, int fd)
{
    if (w->setup->served->access_log >= 0)
        dup3(fd, w->setup->served->access_log, O_CLOEXEC);
}

// Nobody sends before a RETIRE, and there is one.
static void set_handoff(struct worker *w, int fd)
{
    int old = atomic_exchange(&w->handoff_out, fd);
    if (old >= 0)
        close(old);
}

// Each loop has a descriptor of its own: it closes it when it likes.
static void take_from(struct worker *w, int fd)
{
    for (size_t i = 0; i < w->loop_count; i++) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (own >= 0) // or the others take them
            loop_take_from(&w->loops[i], own);
    }
}

static void retire(struct worker *w, bool hands_over, int fd)
{
    if (fd >= 0 && w->loops[0].ctx.phase == LOOP_SERVING) {
        w->reports_handover = true;
        set_handoff(w, fcntl(fd, F_DUPFD_CLOEXEC, 0));
    }
    poke_all(w, hands_over && w->handoff_out >= 0 ? LOOP_HANDING : LOOP_RETIRING);
}

static void obey(struct worker *w, const struct channel_message *message, int fd)
{
    if (message->type == CHANNEL_LEAVE_LISTENER &&
        message->value <= w->setup->served->listener_count)
        atomic_store(&w->leaving[message->value], true);
    else if (message->type == CHANNEL_RETIRE)
        retire(w, message->value, fd);
    else if (message->type == CHANNEL_TRY_LISTENERS)
        poke_all(w, LOOP_SERVING);
    else if (message->type == CHANNEL_SAY_UNREADY)
        atomic_store(&w->is_unready, true);
    else if (message->type == CHANNEL_REPLACE_LOG && fd >= 0)
        replace_log(w, fd);
    else if (message->type == CHANNEL_HAND_OVER_TO && fd >= 0 && !w->reports_handover)
        set_handoff(w, fcntl(fd, F_DUPFD_CLOEXEC, 0));
    else if (message->type == CHANNEL_TAKE_FROM && fd >= 0)
        take_from(w, fd);
}

static void handle_messages(struct worker *w)
{
    struct channel_message message;
    int fd, r;
    while ((r = channel_receive(w->channel.fd, &message, &fd)) > 0) {
        obey(w, &message, fd);
        if (fd >= 0)
            close(fd);
    }
    if (r != -EAGAIN)
        lose_master(w);
}

static void handle_signals(struct worker *w)
{
    int signal;
    // Also the service manager or a terminal may send it to the whole group: then the master says
    // what is to be done. Only its own end (PR_SET_PDEATHSIG) leaves it to the worker.
    while ((signal = signals_next(w->signals.fd)))
        if (signal == SIGTERM && getppid() != w->setup->master)
            poke_all(w, LOOP_STOPPING);
}

static void on_told(void *context)
{
    handle_messages(context);
    handle_signals(context);
}

// Shares the descriptors that the system allows between what is fixed, files that are kept open,
// and connections. A connection that sends a file may need two; when they run out all the same,
// files and idle connections give way (acceptor.c, filecache.c).
static void share_descriptors(struct worker *w)
{
    const struct conf *conf = w->setup->served->conf;
    uint64_t fixed = RESERVED_FDS + w->setup->served->listener_count +
                     sites_fd_count(&w->setup->served->sites) +
                     (LOOP_FDS + w->setup->served->scoreboard.count) * conf->threads;
    uint64_t wanted = conf->limits.connections ? conf->limits.connections : CONNECTIONS_MAX;
    uint64_t all = privs_raise_nofile(fixed + conf->cache.files + wanted);
    uint64_t rest = all > 2 * fixed ? all - fixed : all / 2;
    uint64_t files = MIN(conf->cache.files, rest / 2);
    uint64_t connections = MIN(wanted, rest - files);

    if (conf->limits.connections > connections)
        log_notice("limits.connections is cut from %" PRIu64 " to %" PRIu64
                   ": a process may have %" PRIu64 " descriptors (RLIMIT_NOFILE)",
                   conf->limits.connections, connections, all);
    w->shared.file_limit = (uint32_t)(files / conf->threads);
    w->shared.connection_limit = (uint32_t)MAX(connections / conf->threads, 1);
}

static int init_first_loop(struct worker *w)
{
    struct loop *first = &w->loops[0];
    first->on_told = on_told;
    first->told_context = w;
    int r = poller_add(&first->ctx.poller, w->signals.fd, POLLER_IN, &w->signals);
    if (r == 0)
        r = poller_add(&first->ctx.poller, w->channel.fd, POLLER_IN, &w->channel);
    return r;
}

static int init_loops(struct worker *w)
{
    const struct worker_setup *s = w->setup;
    const struct scoreboard_place *place = &s->served->scoreboard.places[s->place];
    size_t count = s->served->conf->threads;
    int r = 0;
    w->loops = calloc(count, sizeof(*w->loops));
    w->threads = calloc(count, sizeof(*w->threads));
    w->shared.leaving = w->leaving = calloc(s->served->listener_count + 1, sizeof(*w->leaving));
    if (!w->loops || !w->threads || !w->leaving)
        return -ENOMEM;
    while (r == 0 && w->loop_count < count) {
        r = loop_init(&w->loops[w->loop_count], &w->shared, &place->slots[w->loop_count],
                      &place->notes[w->loop_count]);
        w->loop_count += r == 0;
    }
    w->accepting = w->handing = count;
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

// The threads have descriptors of their own: the ports, and whatever else is open here, are free
// when the rest of the process has ended.
static void tell_left(struct worker *w, const char *directory)
{
    log_warn("a worker (pid %d) ends, but for threads that wait for \"%s\": until that answers, a "
             "process is left that does nothing",
             (int)getpid(), directory);
    if (w->has_started)
        channel_send(w->setup->channel, CHANNEL_THREADS_LEFT, 0, -1);
    w->is_left = true;
}

static void end_serving(struct worker *w)
{
    uint32_t cut = 0;
    const char *left = NULL;
    for (size_t i = 1; i <= w->thread_count; i++)
        pthread_join(w->threads[i], NULL);
    for (size_t i = 0; i < w->loop_count; i++) {
        cut += w->loops[i].cut;
        loop_cleanup(&w->loops[i]);
        left = w->loops[i].ctx.left ? w->loops[i].ctx.left : left;
    }
    if (w->reports_handover)
        tell_handed_over(w);
    if (left)
        tell_left(w, left);
    if (cut && w->has_started)
        channel_send(w->setup->channel, CHANNEL_ANSWERS_CUT, cut, -1);
    set_handoff(w, -1);
    free(w->leaving);
    free(w->threads);
    free(w->loops);
    close(w->signals.fd);
}

// The steps of a start, in this order: signals first, so that none is lost; limits before the door,
// behind which nothing sets one; the door is closed before anything of a client's can come near,
// and before the first thread.
static int start_serving(struct worker *w, const char **ret_what)
{
    static const int wanted[] = {SIGTERM, 0};
    const struct worker_setup *s = w->setup;

    *ret_what = "signals";
    w->signals.fd = signals_open(wanted);
    if (w->signals.fd < 0)
        return w->signals.fd;
    share_descriptors(w);
    if (s->served->access_log >= 0)
        tzset(); // the time zone's file cannot be read any more behind the door
    int r = privs_confine_worker(s->privs, s->master, ret_what);
    if (r == 0)
        r = sandbox_enter(s->sandbox, &s->served->scoreboard.places[s->place].notes->refused,
                          ret_what);
    if (r < 0)
        return r;
    *ret_what = "event loop";
    r = init_loops(w);
    if (r < 0)
        return r;
    *ret_what = "thread";
    return start_threads(w);
}

int worker_run(const struct worker_setup *setup)
{
    const char *what;
    struct worker w = {
        .setup = setup,
        .shared = {.served = setup->served,
                   .is_unready = &w.is_unready,
                   .handoff_out = &w.handoff_out,
                   .listing_memory = &w.listing_memory,
                   .on_stopped_accepting = on_stopped_accepting,
                   .on_handed_over = on_handed_over,
                   .on_swapped = on_swapped,
                   .on_proxy = on_proxy,
                   .context = &w},
        .listing_memory.limit = setup->served->conf->limits.listing_memory,
        .handoff_out = -1,
        .signals = {SOURCE_WORKER, -1},
        .channel = {SOURCE_WORKER, setup->channel},
    };
    int r = start_serving(&w, &what);
    if (r < 0) {
        log_err("a worker cannot start: %s: %s%s", what, strerror(-r), privs_remedy(what, r));
        poke_all(&w, LOOP_RETIRING);
        end_serving(&w);
        return WORKER_EXIT_FAILED;
    }
    channel_send(setup->channel, CHANNEL_STARTED, 0, -1);
    w.has_started = true;
    loop_run(&w.loops[0]);
    end_serving(&w);
    if (w.is_left) // exit handlers may free what they use, or wait for them
        _exit(WORKER_EXIT_OK);
    return WORKER_EXIT_OK;
}
