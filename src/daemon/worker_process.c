#include "daemon/worker_process.h"

#include "base/log.h"
#include "daemon/generation_types.h"
#include "daemon/postmortem.h"
#include "server/worker.h"
#include "sys/listener.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Messages of a worker that are read in one iteration.
#define MESSAGES_MAX 8u

// How long one takes to end whose threads are left, and one that has closed its descriptors.
#define LAST_STEPS_TIME 200 // ms
#define CLOSED_TIME     500 // ms

static struct watches *watches_of_worker(const struct worker_process *w)
{
    return w->generation->maker->watches;
}

// ---- starting ----------------------------------------------------------------------------------

struct start {
    const struct worker_process *process;
    pid_t master;
    int words; // its end
};

// In the child.
static int run_worker(void *context, int channel)
{
    const struct start *s = context;
    const struct generation *g = s->process->generation;
    struct sandbox sandbox = g->sandbox;
    const struct worker_setup setup = {
        .served = &g->served,
        .channel = channel,
        .place = s->process->number,
        .privs = &g->privs,
        .sandbox = &sandbox,
        .master = s->master,
    };
    child_stderr_enter(s->words);
    return worker_run(&setup);
}

// The descriptors that a worker keeps. The caller frees.
static int *inherited_fds(const struct generation *g, int words, size_t *ret_count)
{
    const struct served *s = &g->served;
    size_t sites = sites_fd_count(&s->sites), n = s->listener_count;
    int *fds = calloc(n + sites + 3, sizeof(*fds));
    if (!fds)
        return NULL;
    memcpy(fds, s->listeners, n * sizeof(*fds));
    sites_fds(&s->sites, fds + n);
    n += sites;
    if (s->access_log >= 0)
        fds[n++] = s->access_log;
    if (g->sandbox.ruleset >= 0)
        fds[n++] = g->sandbox.ruleset;
    fds[n++] = words;
    *ret_count = n;
    return fds;
}

static int spawn_child(struct worker_process *w, int words)
{
    const struct scoreboard *board = &w->generation->served.scoreboard;
    size_t count = 0;
    int *fds = inherited_fds(w->generation, words, &count);
    struct start start = {w, getpid(), words};
    scoreboard_lend(board, w->number, true);
    int r = fds ? child_spawn(&w->child, run_worker, &start, fds, count) : -ENOMEM;
    scoreboard_lend(board, w->number, false);
    free(fds);
    return r;
}

static int spawn_worker(struct worker_process *w)
{
    int words[2], r = child_stderr_open(words);
    if (r < 0)
        return r;
    r = spawn_child(w, words[1]);
    close(words[1]);
    if (r < 0)
        close(words[0]);
    else if ((r = worker_process_watch(w, words[0])) < 0)
        child_kill(&w->child);
    return r;
}

// When the policy says so.
static void schedule_start(struct worker_process *w)
{
    int64_t next = supervise_next(&w->policy);
    if (next >= 0)
        timers_set(&watches_of_worker(w)->timers, &w->start, next);
}

static void start_worker(struct worker_process *w)
{
    struct generation *g = w->generation;
    supervise_started(&w->policy);
    w->was_killed = w->is_unruly = false;
    w->knows_pairs = true;
    w->guard = (struct channel_guard){0};
    int r = spawn_worker(w);
    if (r == 0) {
        g->alive++;
        if (g->is_unready)
            worker_process_tell(w, CHANNEL_SAY_UNREADY, 0, -1);
        return;
    }
    supervise_died(&w->policy, watches_of_worker(w)->now);
    schedule_start(w);
    g->failed = g->phase == GENERATION_STARTING;
    log_event(EVENT_WORKER_FAILED, &(struct event_fields){.generation = g->id, .error = -r},
              "worker %u of generation %u cannot be started: %s", w->number, g->id, strerror(-r));
}

void worker_process_start_if_due(struct worker_process *w)
{
    if (supervise_is_due(&w->policy, watches_of_worker(w)->now))
        start_worker(w);
}

static void on_start_due(void *context)
{
    worker_process_start_if_due(context);
}

void worker_process_init(struct worker_process *w, struct generation *g, unsigned number)
{
    w->generation = g;
    w->number = number;
    timers_make(&w->start, on_start_due, w);
}

void worker_process_want(struct worker_process *w)
{
    w->policy = (struct supervise){0};
    schedule_start(w);
}

// ---- talking to it -----------------------------------------------------------------------------

void worker_process_tell(struct worker_process *w, enum channel_type type, uint32_t value, int fd)
{
    int r = w->child.pid ? channel_send(w->child.channel, type, value, fd) : 0;
    if (r < 0 && r != -EPIPE) // it has ended: that is heard of elsewhere
        log_warn("worker %u of generation %u (pid %d) does not listen: %s", w->number,
                 w->generation->id, (int)w->child.pid, strerror(-r));
}

static int send_kill(struct worker_process *w)
{
    struct watches *watches = watches_of_worker(w);
    if (!timers_is_set(&w->leave))
        timers_set(&watches->timers, &w->leave, watches->now + WORKER_PROCESS_END_TIME);
    return child_signal(&w->child, SIGKILL);
}

void worker_process_kill(struct worker_process *w)
{
    if (w->child.pid == 0)
        return;
    if (send_kill(w) == 0)
        w->was_killed = true;
}

void worker_process_kill_hung(struct worker_process *w)
{
    if (w->child.pid)
        send_kill(w);
}

const struct scoreboard_place *worker_process_place(const struct worker_process *w)
{
    // Of workers of another image it is not known.
    const struct scoreboard *s = &w->generation->served.scoreboard;
    return s->places ? &s->places[w->number] : NULL;
}

// ---- hearing from it ---------------------------------------------------------------------------

static void log_end(const struct worker_process *w, int pid, int status, int64_t now)
{
    const struct generation *g = w->generation;
    const struct scoreboard_place *place = worker_process_place(w);
    char text[POSTMORTEM_MAX];
    struct buf b = buf_make(text, sizeof(text));
    if (w->was_killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        buf_puts(&b, "was ended at once by the master");
    else
        postmortem_describe_end(&b, place, status);
    postmortem_describe(&b, place, g->served.scoreboard.loops, now);
    log_event(EVENT_WORKER_DIED,
              &(struct event_fields){.generation = g->id, .worker = w->number, .pid = pid},
              "worker %u of generation %u (pid %d) %.*s", w->number, g->id, pid, (int)b.len, text);
}

static void end_unruly(struct worker_process *w, enum channel_guard_verdict verdict)
{
    const struct generation *g = w->generation;
    log_event(
        EVENT_WORKER_UNRULY,
        &(struct event_fields){.generation = g->id, .worker = w->number, .pid = (int)w->child.pid},
        "worker %u of generation %u (pid %d) is ended: it sent the master %s", w->number, g->id,
        (int)w->child.pid, channel_guard_reason(verdict));
    w->is_unruly = true;
    watch_remove(watches_of_worker(w), w->child.channel);
    worker_process_kill(w);
}

// The process is left then, unless it ends before.
static void expect_end(struct worker_process *w, int64_t time)
{
    struct watches *watches = watches_of_worker(w);
    int64_t when = watches->now + time;
    if (!timers_is_set(&w->leave) || w->leave.when > when)
        timers_set(&watches->timers, &w->leave, when);
}

static struct channel_guard_facts facts_about(const struct worker_process *w)
{
    return (struct channel_guard_facts){
        .is_foreign = !worker_process_place(w),
        .is_retired = w->policy.phase == SUPERVISE_RETIRED,
        .listener_count = (uint32_t)w->generation->served.listener_count,
    };
}

static void do_message(struct worker_process *w, const struct channel_message *message)
{
    const struct worker_process_events *events = &w->generation->maker->events;
    if (message->type == CHANNEL_THREADS_LEFT)
        expect_end(w, LAST_STEPS_TIME);
    else
        events->said(events->context, w, message);
}

// Does what a message says, if it is one; NULL: it is none.
static void heed_message(struct worker_process *w, const struct channel_message *message)
{
    const struct channel_guard_facts facts = facts_about(w);
    enum channel_guard_verdict verdict = channel_guard_judge(&w->guard, &facts, message,
                                                             watches_of_worker(w)->now);
    if (message && verdict == CHANNEL_GUARD_GOOD)
        do_message(w, message);
    else if (verdict != CHANNEL_GUARD_IGNORED)
        end_unruly(w, verdict);
}

// Reads at most so many messages: more are for the next iteration, others come in between.
static void hear_worker(struct worker_process *w, unsigned most)
{
    channel_guard_excuse(&w->guard, watches_of_worker(w)->away);
    for (unsigned i = 0; i < most && !w->is_unruly; i++) {
        struct channel_message message;
        int fd = -1, r = channel_receive(w->child.channel, &message, &fd);
        if (r == -EAGAIN) {
            channel_guard_caught_up(&w->guard);
            return;
        }
        if (r == -EPROTO || r == -EMSGSIZE || fd >= 0) // no worker has a descriptor to send
            heed_message(w, NULL);
        else if (r > 0)
            heed_message(w, &message);
        else { // ended or ending: its pidfd tells
            watch_remove(watches_of_worker(w), w->child.channel);
            if (timers_is_set(&w->leave)) // it was killed
                expect_end(w, CLOSED_TIME);
            return;
        }
        if (fd >= 0)
            close(fd);
    }
}

static void on_channel(void *context)
{
    struct worker_process *w = context;
    if (w->child.pid)
        hear_worker(w, MESSAGES_MAX);
}

// Its place is free; `child` has been given up.
static void end_in_place(struct worker_process *w)
{
    struct generation *g = w->generation;
    const struct worker_process_events *events = &g->maker->events;
    int64_t now = watches_of_worker(w)->now;
    timers_cancel(&w->leave);
    g->alive--;
    if (worker_process_place(w))
        totals_fold(&g->maker->totals, &g->served.scoreboard, w->number);
    supervise_died(&w->policy, now);
    schedule_start(w);
    events->ended(events->context, w);
}

static void on_process_end(void *context, int status)
{
    struct worker_process *w = context;
    const int pid = (int)w->child.pid;
    hear_worker(w, CHANNEL_GUARD_MOST); // its last words
    child_stderr_finish(&w->words);
    watch_remove(watches_of_worker(w), w->child.channel);
    child_close(&w->child);
    if (w->policy.phase != SUPERVISE_RETIRED || status != 0)
        log_end(w, pid, status, watches_of_worker(w)->now);
    end_in_place(w);
}

// ---- leaving it --------------------------------------------------------------------------------

static void log_leaving(const struct worker_process *w)
{
    const struct generation *g = w->generation;
    const struct scoreboard_place *place = worker_process_place(w);
    char text[POSTMORTEM_MAX];
    struct buf b = buf_make(text, sizeof(text));
    if (place)
        postmortem_describe(&b, place, g->served.scoreboard.loops, watches_of_worker(w)->now);
    log_event(
        EVENT_WORKER_LEFT,
        &(struct event_fields){.generation = g->id, .worker = w->number, .pid = (int)w->child.pid},
        "worker %u of generation %u (pid %d) cannot be ended, for it waits in the kernel, as a "
        "rule for a file system that does not answer; it is left, and its place is free%.*s",
        w->number, g->id, (int)w->child.pid, (int)b.len, text);
}

static void leave_process(void *context)
{
    struct worker_process *w = context;
    if (w->child.pid == 0)
        return;
    watch_remove(watches_of_worker(w), w->child.channel);
    child_signal(&w->child, SIGKILL); // whatever it has said: nothing of it goes on
    int r = leftovers_take(&w->generation->maker->leftovers, watches_of_worker(w), &w->child);
    if (r < 0) { // later, perhaps
        timers_set(&watches_of_worker(w)->timers, &w->leave,
                   watches_of_worker(w)->now + WORKER_PROCESS_END_TIME);
        return;
    }
    child_stderr_finish(&w->words);
    log_leaving(w);
    w->child = (struct child){.pid = 0, .pidfd = -1, .channel = -1};
    end_in_place(w);
}

static int watch_words(struct worker_process *w, int words)
{
    char name[CHILD_STDERR_NAME_MAX];
    const struct event_fields fields = {
        .generation = w->generation->id, .worker = w->number, .pid = (int)w->child.pid};
    snprintf(name, sizeof(name), "worker %u of generation %u (pid %d)", fields.worker,
             fields.generation, fields.pid);
    int r = child_stderr_watch(&w->words, watches_of_worker(w), words, name, &fields);
    if (r < 0)
        close(words);
    return r;
}

int worker_process_watch(struct worker_process *w, int words)
{
    struct watches *watches = watches_of_worker(w);
    w->channel_watch = (struct watch){on_channel, w};
    timers_make(&w->leave, leave_process, w);
    int r = words ? watch_words(w, words) : 0;
    if (r == 0)
        r = watch_add(watches, w->child.channel, &w->channel_watch);
    if (r == 0)
        r = child_watch(&w->child, watches, on_process_end, w);
    if (r < 0) {
        watch_remove(watches, w->child.channel);
        child_stderr_finish(&w->words);
    }
    return r;
}
