// What a master passes on to another image of its program that takes its place (daemon/upgrade.h):
// the descriptors that stay open and what they are.
//
// As text, a line for each thing, in a version of its own: an image that does not know it refuses
// before anything is given up. The text comes from this program, but perhaps from another version
// of it: every value is checked.
#pragma once

#include "base/buf.h"
#include "daemon/waiters.h"
#include "server/scoreboard.h"
#include "sys/addr.h"
#include "sys/systemd.h"

#include <limits.h>
#include <sys/types.h>

#define STATE_COUNTS SCOREBOARD_COUNTERS

struct state_listener {
    int fd;
    bool inherited; // from the service manager
    struct endpoint wanted;
};

struct state_worker {
    unsigned generation;
    bool ending; // was told to end
    pid_t pid;
    int channel, pidfd;
};

struct state {
    unsigned last_id;              // of generations
    int64_t started_s;             // when the server was started, wall clock
    uint64_t counts[STATE_COUNTS]; // totals, as in struct scoreboard_counts
    int waiters[WAITERS_MAX];      // clients of the control socket who want to know the outcome
    unsigned waiter_count;
    uint64_t drain;      // timeouts.drain of the workers, ms
    int handoff[2];      // in, out
    int image;           // the program that passes this on, to go back to; -1: no way back
    char path[PATH_MAX]; // where the program is
    struct state_listener *listeners;
    struct state_worker *workers;   // those of a generation next to each other, oldest first
    struct systemd_socket *sockets; // that the service manager passed in
    size_t listener_count, worker_count, socket_count;
};

// The most of each list.
#define STATE_MAX 4096u

// Appends the text.
void state_format(struct buf *b, const struct state *s);

// Reads the text into `ret`, to be given to state_cleanup(). 0; -EPROTO: another version, or none
// at all; -ENOMEM.
int state_parse(struct slice text, struct state *ret);

// Frees the lists; descriptors are the caller's.
void state_cleanup(struct state *s);

// Calls `f` with each descriptor.
void state_each_fd(const struct state *s, void (*f)(int fd));
