// Children of the master: making one, hearing of its end. The only place that forks.
#pragma once

#include "daemon/watch.h"

#include <stddef.h>
#include <sys/types.h>

// Hears of a child's end, with its status as of waitpid(2).
typedef void child_ended_cb(void *context, int status);

struct child {
    pid_t pid;   // 0: there is none
    int pidfd;   // readable when the child has ended
    int channel; // our end
    // Of one that is watched:
    struct watches *watches;
    struct watch watch;
    struct timer retry; // of reaping
    child_ended_cb *ended;
    void *context;
};

// The function that a child runs. It gets its end of the channel, and returns the exit status.
typedef int child_run_cb(void *context, int channel);

// Forks a child that keeps stdio, its channel and the `keep_count` descriptors of `keep`, and has
// everything else closed; it ignores no signal but SIGPIPE, and has nothing to say to the service
// manager. 0 or a negative errno.
int child_spawn(struct child *ret, child_run_cb *run, void *context, const int *keep,
                size_t keep_count);

// Has `ended` called when the child has ended and was reaped: once, with its descriptors still
// open, so that the last words on the channel can be read. It closes them with child_close(). The
// child must stay where it is until then. 0 or a negative errno.
int child_watch(struct child *c, struct watches *ws, child_ended_cb *ended, void *context);

// Does not hear of its end any more.
void child_unwatch(struct child *c);

// Looks whether one that is watched has ended, of which the event may still be on its way.
void child_look(struct child *c);

// Takes the status of a child that has ended (as of waitpid(2)). 0, or -EAGAIN when it lives. Not
// for one that is watched. Public for tests.
int child_reap(const struct child *c, int *ret_status);

// Closes our descriptors of a child that was reaped. Its channel must not be watched any more:
// another child that is just being made may share the descriptor for a moment.
void child_close(struct child *c);

// Sends it a signal: whoever may have its number after it was reaped is not meant. 0 or a negative
// errno, -ESRCH: it was reaped.
int child_signal(const struct child *c, int signal);

// Kills it, waits for its end, which is soon, and closes our descriptors of it. One that waits in
// the kernel for a file system that does not answer cannot end: it is left, and not waited for.
void child_kill(struct child *c);

// Takes the children that this process has already for left, but for those that are known: those of
// the program that it executed before. Without /proc there is nothing to be known of them.
void child_leave_others(bool (*is_known)(void *context, pid_t pid), void *context);

// Reaps those of the children that were left that have ended by now, and no others: to be called
// now and then. How many there still are.
size_t child_reap_left(void);

// Forgets them: they are reaped when this process has ended.
void child_forget_left(void);

// "was killed by signal 9 (Killed)" or "ended with status 1".
void child_describe_status(int status, char *text, size_t size);
