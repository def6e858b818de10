#include "masterworld.h"

#include "base/util.h"
#include "conf/conf.h"
#include "daemon/explain_worker.h"
#include "daemon/fetch_job.h"
#include "daemon/upgrade.h"
#include "daemon/worker_process.h"
#include "server/worker_sandbox.h"
#include "sys/clock.h"
#include "sys/fdpass.h"
#include "sys/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FD   100000 // beyond all of the system
#define SYSTEM_FDS 256
#define FDS        16384 // none is used a second time
#define FIRST_PID  100000000
#define TIME       10000000 // ms; when it begins

struct world world;

static struct world_fd fds[FDS];
static unsigned fd_count;
static unsigned pid_count;
static int signals[64];
static unsigned signal_count;
static enum world_role next_role;

// ---- descriptors -------------------------------------------------------------------------------

static bool is_of_world(int fd)
{
    return fd >= FIRST_FD;
}

struct world_fd *world_fd_of(int fd)
{
    assert(is_of_world(fd) && fd < FIRST_FD + (int)fd_count);
    struct world_fd *f = &fds[fd - FIRST_FD];
    assert(f->kind != WORLD_CLOSED);
    return f;
}

int world_open_fd(enum world_kind kind, unsigned owner)
{
    assert(fd_count < FDS);
    fds[fd_count] = (struct world_fd){.kind = kind, .owner = owner};
    world.open[kind]++;
    return FIRST_FD + (int)fd_count++;
}

bool world_fails(enum world_fault fault)
{
    if (world.faults[fault] == 0)
        return false;
    world.faults[fault]--;
    return true;
}

void world_close_fd(int fd)
{
    struct world_fd *f = world_fd_of(fd);
    assert(!f->is_watched || f->kind == WORLD_SIGNALS); // of which no child has a copy
    world.open[f->kind]--;
    f->kind = WORLD_CLOSED;
}

bool world_is_heard_of(unsigned order)
{
    return world.orders[order].is_answered || world.orders[order].is_handed_on;
}

bool world_keeps_client(unsigned order)
{
    for (unsigned i = 0; i < fd_count; i++)
        if (fds[i].kind == WORLD_CLIENT && fds[i].owner == order)
            return true;
    return false;
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    if (!is_of_world(fd))
        return __real_close(fd);
    const struct world_fd *f = world_fd_of(fd);
    assert(f->kind != WORLD_CLIENT || world_is_heard_of(f->owner));
    world_close_fd(fd);
    return 0;
}

static int duplicate_fd(int fd)
{
    const struct world_fd *f = world_fd_of(fd);
    if (world_fails(WORLD_FAIL_DUP)) {
        errno = EMFILE;
        return -1;
    }
    int copy = world_open_fd(f->kind, f->owner);
    world_fd_of(copy)->at = f->at;
    return copy;
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    long argument = va_arg(args, long);
    va_end(args);
    if (!is_of_world(fd))
        return __real_fcntl(fd, command, argument);
    struct world_fd *f = world_fd_of(fd);
    if (command == F_SETFD)
        f->is_kept = argument == 0;
    return command == F_DUPFD_CLOEXEC ? duplicate_fd(fd) : 0;
}

int __wrap_dup3(int from, int to, int flags);
int __wrap_dup3(int from, int to, int flags)
{
    (void)flags;
    assert(world_fd_of(from)->kind == WORLD_LOG && world_fd_of(to)->kind == WORLD_LOG);
    return to;
}

// ---- poller and clock --------------------------------------------------------------------------

int __wrap_poller_init(struct poller *p);
int __wrap_poller_init(struct poller *p)
{
    p->fd = world_open_fd(WORLD_POLLER, 0);
    return 0;
}

void __wrap_poller_cleanup(struct poller *p);
void __wrap_poller_cleanup(struct poller *p)
{
    if (p->fd >= 0)
        world_close_fd(p->fd);
    p->fd = -1;
}

int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source);
int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source)
{
    struct world_fd *f = world_fd_of(fd);
    assert(world_fd_of(p->fd)->kind == WORLD_POLLER && interest == POLLER_IN && !f->is_watched);
    if (world_fails(WORLD_FAIL_WATCH))
        return -ENOSPC;
    f->is_watched = true;
    f->source = source;
    return 0;
}

void __wrap_poller_remove(struct poller *p, int fd);
void __wrap_poller_remove(struct poller *p, int fd)
{
    (void)p;
    world_fd_of(fd)->is_watched = false;
}

static bool has_channel_event(const struct world_process *p)
{
    return p->said_count || p->released > p->received || p->has_ended;
}

static void put_event(struct poller_event *events, int *count, int fd)
{
    const struct world_fd *f = fd < 0 ? NULL : &fds[fd - FIRST_FD];
    if (f && f->kind != WORLD_CLOSED && f->is_watched && *count < POLLER_MAX_EVENTS)
        events[(*count)++] = (struct poller_event){f->source, POLLER_IN};
}

int world_ready(struct poller_event *events)
{
    int count = 0;
    for (unsigned i = 0; i < fd_count && signal_count; i++)
        if (fds[i].kind == WORLD_SIGNALS)
            put_event(events, &count, FIRST_FD + (int)i);
    for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
        const struct world_process *p = &world.processes[i];
        if (p->pid && has_channel_event(p))
            put_event(events, &count, p->channel);
        if (p->pid && p->has_ended)
            put_event(events, &count, p->pidfd);
    }
    return count;
}

int __wrap_poller_wait(struct poller *p, struct poller_event events[static POLLER_MAX_EVENTS],
                       int timeout_ms);
int __wrap_poller_wait(struct poller *p, struct poller_event events[static POLLER_MAX_EVENTS],
                       int timeout_ms)
{
    (void)p;
    world_turn(timeout_ms);
    return world_ready(events);
}

int64_t __wrap_clock_now(void);
int64_t __wrap_clock_now(void)
{
    return world.now;
}

int64_t __wrap_clock_now_us(void);
int64_t __wrap_clock_now_us(void)
{
    return world.now * 1000;
}

int64_t __wrap_clock_wall_s(void);
int64_t __wrap_clock_wall_s(void)
{
    return world.now / 1000;
}

int __wrap_signals_open(const int *wanted);
int __wrap_signals_open(const int *wanted)
{
    (void)wanted;
    return world_open_fd(WORLD_SIGNALS, 0);
}

int __wrap_signals_next(int fd);
int __wrap_signals_next(int fd)
{
    assert(world_fd_of(fd)->kind == WORLD_SIGNALS);
    return signal_count ? signals[--signal_count] : 0;
}

void world_signal(int number)
{
    if (signal_count < ARRAY_SIZE(signals))
        signals[signal_count++] = number;
}

// ---- processes ---------------------------------------------------------------------------------

static struct world_process *process_of(pid_t pid)
{
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        if (world.processes[i].pid == pid)
            return &world.processes[i];
    return NULL;
}

// One whose channel is open may still have last words.
static struct world_process *find_free(void)
{
    for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
        const struct world_process *p = &world.processes[i];
        bool is_closed = p->channel == 0 || fds[p->channel - FIRST_FD].kind == WORLD_CLOSED;
        if (is_closed && p->pid == 0)
            return &world.processes[i];
    }
    return NULL;
}

int __real_child_spawn(struct child *ret, child_run_cb *run, void *context, const int *keep,
                       size_t keep_count);
int __wrap_child_spawn(struct child *ret, child_run_cb *run, void *context, const int *keep,
                       size_t keep_count);
int __wrap_child_spawn(struct child *ret, child_run_cb *run, void *context, const int *keep,
                       size_t keep_count)
{
    for (size_t i = 0; i < keep_count; i++)
        if (is_of_world(keep[i]))
            world_fd_of(keep[i]); // is open
    if (run == fetch_job_run)
        next_role = WORLD_FETCH;
    int r = __real_child_spawn(ret, run, context, keep, keep_count);
    next_role = WORLD_WORKER;
    return r;
}

int __real_upgrade_exec_prove(struct upgrade_exec *u, const struct upgrade_state *s);
int __wrap_upgrade_exec_prove(struct upgrade_exec *u, const struct upgrade_state *s);
int __wrap_upgrade_exec_prove(struct upgrade_exec *u, const struct upgrade_state *s)
{
    next_role = WORLD_PROOF;
    int r = __real_upgrade_exec_prove(u, s);
    next_role = WORLD_WORKER;
    return r;
}

int __real_explain_worker_start(struct explain_workers *x, const struct generation *g,
                                const struct explain_worker_question *question, int fd);
int __wrap_explain_worker_start(struct explain_workers *x, const struct generation *g,
                                const struct explain_worker_question *question, int fd);
int __wrap_explain_worker_start(struct explain_workers *x, const struct generation *g,
                                const struct explain_worker_question *question, int fd)
{
    next_role = WORLD_EXPLAIN;
    int r = __real_explain_worker_start(x, g, question, fd);
    next_role = WORLD_WORKER;
    if (r == 0)
        world.orders[world_fd_of(fd)->owner].is_handed_on = true;
    return r;
}

static int pair_of_spawn; // the channel of the child that is being made

int __wrap_fdpass_pair(int pair[static 2]);
int __wrap_fdpass_pair(int pair[static 2])
{
    if (world_fails(WORLD_FAIL_PAIR))
        return -EMFILE;
    pair_of_spawn = pair[0] = world_open_fd(WORLD_CHANNEL, WORLD_PROCESSES);
    pair[1] = world_open_fd(WORLD_PEER, WORLD_PROCESSES);
    return 0;
}

pid_t __wrap_fork(void);
pid_t __wrap_fork(void)
{
    struct world_process *p = find_free();
    if (world_fails(WORLD_FAIL_FORK) || !p) {
        errno = EAGAIN;
        return -1;
    }
    *p = (struct world_process){.pid = FIRST_PID + (pid_t)++pid_count,
                                .role = next_role,
                                .pidfd = -1,
                                .channel = pair_of_spawn,
                                .beaten_at = world.now};
    world_fd_of(pair_of_spawn)->owner = (unsigned)(p - world.processes);
    return p->pid;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    struct world_process *p = process_of(pid);
    assert(pid && p);
    if (!(options & WNOHANG)) // it sees the end of its channel
        world_end(p, 0);
    if (!p->has_ended || p->is_traced)
        return 0;
    if (status)
        *status = p->status;
    p->pid = 0;
    return pid;
}

static long open_pidfd(pid_t pid)
{
    struct world_process *p = process_of(pid);
    assert(pid && p);
    if (world_fails(WORLD_FAIL_PIDFD)) {
        errno = EMFILE;
        return -1;
    }
    return p->pidfd = world_open_fd(WORLD_PIDFD, (unsigned)(p - world.processes));
}

static long signal_process(int pidfd, int number)
{
    struct world_fd *f = world_fd_of(pidfd);
    struct world_process *p = &world.processes[f->owner];
    assert(f->kind == WORLD_PIDFD);
    if (p->pid == 0) {
        errno = ESRCH;
        return -1;
    }
    if (p->role == WORLD_WORKER && !p->has_ended && f->is_watched) // else it was only being made
        world_check_kill(p, number);
    if (number == SIGABRT) {
        p->was_aborted = true;
        p->aborted_at = world.generations->maker.watches->now; // child_kill() may have waited since
    }
    if (number == SIGKILL || !p->is_hung)
        world_end(p, number);
    return 0;
}

// No other call is made by the master.
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list args;
    va_start(args, number);
    int first = va_arg(args, int), second = va_arg(args, int);
    va_end(args);
    assert(number == SYS_pidfd_open || number == SYS_pidfd_send_signal);
    return number == SYS_pidfd_open ? open_pidfd(first) : signal_process(first, second);
}

// Of child_kill(), which waits for the end.
int __real_poll(struct pollfd *wanted, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *wanted, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *wanted, nfds_t count, int timeout)
{
    if (!is_of_world(wanted->fd))
        return __real_poll(wanted, count, timeout);
    assert(count == 1 && world_fd_of(wanted->fd)->kind == WORLD_PIDFD);
    if (world.processes[world_fd_of(wanted->fd)->owner].has_ended &&
        !world.processes[world_fd_of(wanted->fd)->owner].is_traced)
        return 1;
    world.now += timeout;
    return 0;
}

void world_end(struct world_process *p, int status)
{
    if (p->has_ended || p->is_doomed)
        return;
    p->status = status;
    p->has_ended = !p->is_stuck;
    p->is_doomed = p->is_stuck;
}

void world_stick(struct world_process *p, bool is_stuck)
{
    p->is_stuck = is_stuck;
    if (p->is_doomed && !is_stuck)
        p->has_ended = true;
}

struct world_process *world_find(bool (*is)(const struct world_process *), unsigned nth)
{
    struct world_process *found[WORLD_PROCESSES];
    unsigned count = 0;
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        if (world.processes[i].pid && is(&world.processes[i]))
            found[count++] = &world.processes[i];
    return count ? found[nth % count] : NULL;
}

struct worker_process *world_place_of(const struct world_process *p)
{
    struct list *head = &world.generations->list;
    for (struct list *l = head->next; l != head; l = l->next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        for (unsigned i = 0; i < g->worker_count; i++)
            if (g->workers[i].child.pid == p->pid)
                return &g->workers[i];
    }
    return NULL;
}

void world_pass(int64_t ms)
{
    world.now += ms;
    for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
        struct world_process *p = &world.processes[i];
        if (p->pid == 0 || p->role != WORLD_WORKER || !p->has_started || p->is_hung || p->has_ended)
            continue;
        const struct worker_process *w = world_place_of(p);
        for (uint64_t t = 0; w && t < w->generation->served.conf->threads; t++)
            worker_process_place(w)->notes[t].beat++;
        p->beaten_at = world.now;
    }
}

struct world_process *world_process_at(int channel)
{
    const struct world_fd *f = world_fd_of(channel);
    assert(f->kind == WORLD_CHANNEL && f->owner < WORLD_PROCESSES);
    return &world.processes[f->owner];
}

void world_execute(void)
{
    world.executions++;
    world.commands = NULL;
    for (unsigned i = 0; i < fd_count; i++) {
        fds[i].is_watched = false;
        if (fds[i].kind != WORLD_CLOSED && !fds[i].is_kept)
            close(FIRST_FD + (int)i);
    }
    for (int fd = 3; fd < SYSTEM_FDS; fd++)
        if (__real_fcntl(fd, F_GETFD) > 0)
            __real_close(fd);
    child_forget_left();
}

void world_begin(void)
{
    world = (struct world){.now = TIME, .root_inode = 1, .root_is_cached = true};
    fd_count = signal_count = 0;
    next_role = WORLD_WORKER;
}
