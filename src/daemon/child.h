// Children of the master: making one, hearing of its end. The only place that forks.
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    int pidfd;   // readable when the child has ended
    int channel; // our end
};

// What a child runs: gets its end of the channel; what it returns is its exit status.
typedef int child_run_cb(void *context, int channel);

// Forks a child that keeps stdio, its channel and the `keep_count` descriptors of `keep`, and has
// everything else closed; to the service manager it has nothing to say. 0 or a negative errno.
int child_spawn(struct child *ret, child_run_cb *run, void *context, const int *keep,
                size_t keep_count);

// Takes the status of a child that has ended (as of waitpid(2)). 0, or -EAGAIN when it lives.
int child_reap(const struct child *c, int *ret_status);

// Closes our descriptors of a child that was reaped. They must be in no poller any more: another
// child that is just being made may share them for a moment.
void child_close(struct child *c);

// Kills it, waits for its end, which is soon, and closes our descriptors of it.
void child_kill(struct child *c);

// "was killed by signal 9 (Killed)" or "ended with status 1".
void child_describe_status(int status, char *text, size_t size);
