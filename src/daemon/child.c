#include "daemon/child.h"

#include "base/log.h"
#include "sys/fdpass.h"
#include "sys/fdtable.h"
#include "sys/signals.h"
#include "sys/systemd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP_MAX 1024

// A process that is traced is its tracer's to reap first (ptrace(2)): strace, a debugger, a leak
// checker. Until then its pidfd is readable, and waiting for that would spin.
#define REAP_DELAY 50 // ms

// How long the end of one that was killed may take.
#define KILL_TIME 200 // ms

// Children that were left, of whom nobody else hears.
static struct {
    pid_t *pids;
    size_t count;
} left;

static _Noreturn void run_child(child_run_cb *run, void *context, int channel, const int *keep,
                                size_t keep_count)
{
    int fds[KEEP_MAX + 1];
    for (size_t i = 0; i < keep_count; i++)
        fds[i] = keep[i];
    fds[keep_count] = channel;
    fdtable_close_others(3, fds, keep_count + 1);
    signals_reset();
    systemd_leave();
    log_set_sink(NULL); // what it is connected to was closed
    exit(run(context, channel));
}

int child_spawn(struct child *ret, child_run_cb *run, void *context, const int *keep,
                size_t keep_count)
{
    int pair[2];
    if (keep_count > KEEP_MAX)
        return -E2BIG;
    int r = fdpass_pair(pair);
    if (r < 0)
        return r;
    fflush(NULL); // what is buffered must not be written twice
    pid_t pid = fork();
    if (pid == 0)
        run_child(run, context, pair[1], keep, keep_count);
    r = -errno;
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return r;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        // Without it nobody would hear of the child's end: it sees end of file and ends.
        r = -errno;
        close(pair[0]);
        waitpid(pid, NULL, 0);
        return r;
    }
    *ret = (struct child){.pid = pid, .pidfd = pidfd, .channel = pair[0]};
    return 0;
}

int child_reap(const struct child *c, int *ret_status)
{
    pid_t pid;
    do
        pid = waitpid(c->pid, ret_status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid < 0)
        *ret_status = 0; // somebody else has reaped it: that it ended is all there is to know
    return pid == 0 ? -EAGAIN : 0;
}

static void try_to_reap(void *context)
{
    struct child *c = context;
    int status;
    if (c->pid == 0) // an event that was on its way when it was closed
        return;
    watch_remove(c->watches, c->pidfd);
    if (child_reap(c, &status) == 0)
        c->ended(c->context, status);
    else
        timers_set(&c->watches->timers, &c->retry, c->watches->now + REAP_DELAY);
}

void child_look(struct child *c)
{
    if (c->pid && poll(&(struct pollfd){.fd = c->pidfd, .events = POLLIN}, 1, 0) > 0)
        try_to_reap(c);
}

int child_watch(struct child *c, struct watches *ws, child_ended_cb *ended, void *context)
{
    c->watches = ws;
    c->watch = (struct watch){try_to_reap, c};
    c->ended = ended;
    c->context = context;
    timers_make(&c->retry, try_to_reap, c);
    return watch_add(ws, c->pidfd, &c->watch);
}

void child_unwatch(struct child *c)
{
    if (!c->watches)
        return;
    watch_remove(c->watches, c->pidfd);
    timers_cancel(&c->retry);
    c->watches = NULL;
}

void child_close(struct child *c)
{
    child_unwatch(c);
    close(c->pidfd);
    close(c->channel);
    c->pid = 0;
    c->pidfd = c->channel = -1;
}

int child_signal(const struct child *c, int signal)
{
    return syscall(SYS_pidfd_send_signal, c->pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

// Without memory for it it stays a zombie.
static void note_left(pid_t pid)
{
    pid_t *pids = realloc(left.pids, (left.count + 1) * sizeof(*pids));
    if (!pids)
        return;
    left.pids = pids;
    pids[left.count++] = pid;
}

void child_kill(struct child *c)
{
    int status;
    bool has_ended = true;
    child_signal(c, SIGKILL);
    while (child_reap(c, &status) == -EAGAIN && has_ended)
        has_ended = poll(&(struct pollfd){.fd = c->pidfd, .events = POLLIN}, 1, KILL_TIME) != 0;
    if (!has_ended)
        note_left(c->pid);
    child_close(c);
}

void child_leave_others(bool (*is_known)(void *context, pid_t pid), void *context)
{
    long pid;
    FILE *f = fopen("/proc/thread-self/children", "re");
    while (f && fscanf(f, "%ld", &pid) == 1)
        if (!is_known(context, (pid_t)pid))
            note_left((pid_t)pid);
    if (f)
        fclose(f);
}

size_t child_reap_left(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < left.count; i++)
        if (waitpid(left.pids[i], NULL, WNOHANG) == 0)
            left.pids[kept++] = left.pids[i];
    return left.count = kept;
}

void child_forget_left(void)
{
    free(left.pids);
    left.pids = NULL;
    left.count = 0;
}

void child_describe_status(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "was killed by signal %d (%s)%s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)), WCOREDUMP(status) ? ", core dumped" : "");
    else
        snprintf(text, size, "ended with status %d", WEXITSTATUS(status));
}
