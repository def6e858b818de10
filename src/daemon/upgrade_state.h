// The state that a master passes on to another image of its program that takes its place
// (daemon/upgrade_exec.h): the descriptors that stay open, what they are, and the totals.
//
// It is text, a line for each thing, with a version: an image that does not know the version
// refuses before anything is given up. Another version of the program may have written it, so every
// value is checked. Counters are there by their key: one that the reader does not have is passed
// over, and one that is not there is 0.
#pragma once

#include "base/buf.h"
#include "server/counters.h"
#include "base/endpoint.h"
#include "sys/systemd.h"

#include <limits.h>
#include <sys/types.h>

// The version that this program writes; it reads all before it as well. Counters need no new one.
#define UPGRADE_STATE_VERSION 3u

struct upgrade_state_listener {
    int fd;
    bool inherited; // from the service manager
    struct endpoint wanted;
};

struct upgrade_state_worker {
    unsigned generation;
    bool ending; // was told to end
    pid_t pid;
    int channel, pidfd;
    bool knows_pairs; // it hands over by a pair of its own; programs before do not say or read it
    int handoff;      // the end of that pair that the master keeps; 0: none is under way
    int words;        // the master's end of its stderr; 0: it has the master's
};

struct upgrade_state {
    unsigned version;         // of the text
    unsigned last_id;         // of generations
    int64_t started_s;        // when the server was started, wall clock
    struct counters counters; // totals
    uint64_t drain;           // timeouts.drain of the workers, ms
    int handoff[2];           // in, out: of workers that know no pairs
    int notes;                // a memfd, of the options of listeners; 0: none
    int image;                // the program that passes this on, to go back to; -1: no way back
    char path[PATH_MAX];      // where the program is
    int *waiters;             // clients of the control socket that want to know the outcome
    struct upgrade_state_listener *listeners;
    struct upgrade_state_worker *workers; // those of a generation next to each other, oldest first
    struct systemd_socket *sockets;       // that the service manager passed in
    size_t waiter_count, listener_count, worker_count, socket_count;
};

// The most of each list.
#define UPGRADE_STATE_MAX 4096u

// Appends the text in the version that `s` says, so that a program that reads no later one can take
// over again. Programs that know no pairs have no `words` either; others that do not know them pass
// them over, and the descriptors stay open until they end.
void upgrade_state_format(struct buf *b, const struct upgrade_state *s);

// Reads the text into `ret`, to be given to upgrade_state_cleanup(). 0; -EPROTO: another version,
// or none at all; -ENOMEM.
int upgrade_state_parse(struct slice text, struct upgrade_state *ret);

// Frees the lists; descriptors are the caller's.
void upgrade_state_cleanup(struct upgrade_state *s);

// Calls `f` with each descriptor.
void upgrade_state_each_fd(const struct upgrade_state *s, void (*f)(int fd));
