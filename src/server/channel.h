// The messages between master and worker: a closed set of small messages over a SOCK_SEQPACKET
// pair (sys/fdpass.h). Anything else is an error that ends the worker.
//
// End of file at the worker's end means that the master is gone.
#pragma once

#include <stdint.h>

// The numbers stay: after an upgrade a new master talks to workers of the program before it.
enum channel_type {
    // The master tells the worker:
    CHANNEL_LEAVE_LISTENER = 0, // number `value` (or the handoff, numbered behind them) has no
                                // successor: on RETIRE accept what is queued first
    CHANNEL_RETIRE = 1, // stop accepting and end; `value` not 0: others have taken over, hand
                        // them what is open, over the descriptor that comes with it or that of
                        // HAND_OVER_TO; else finish it
    CHANNEL_TRY_LISTENERS = 2, // a worker has died, perhaps woken for a connection
    CHANNEL_SAY_UNREADY = 3,   // serve on, but say at the admin listener that you are not ready
    CHANNEL_REPLACE_LOG = 4,   // with a descriptor: the access log from now on
    // The worker tells the master:
    CHANNEL_STARTED = 5,      // it serves
    CHANNEL_ROOT_SWAPPED = 6, // a root leads elsewhere: a link was swapped
    CHANNEL_ANSWERS_CUT = 7,  // at timeouts.drain, on `value` connections
    CHANNEL_PROXY_HEADER = 8, // a client of listener number `value` began with one
    // Since there is a pair for each worker that hands over; programs before do not know these.
    CHANNEL_HAND_OVER_TO = 9, // with a descriptor: for a RETIRE that has none, of such a program;
                              // a worker whose RETIRE had one stays with that
    CHANNEL_TAKE_FROM = 10,   // with a descriptor: connections come out of it
    // The worker tells the master, when it was given a descriptor to hand over by a RETIRE:
    CHANNEL_HANDED_OVER = 11, // all that could go at once, and at the end all: `value` connections
                              // so far
    CHANNEL_PROXY_MISSING = 12, // a client of listener number `value` did not begin with a good
                                // PROXY header, which is required there
    // The worker tells the master, when it was told to end:
    CHANNEL_THREADS_LEFT = 13, // it ends now, but for threads that wait for a file system
    CHANNEL_TYPES
};

struct channel_message {
    uint32_t type;
    uint32_t value;
};

// fd -1: none; the sender keeps its own. 0 or a negative errno.
int channel_send(int socket, enum channel_type type, uint32_t value, int fd);

// 1 and a message (*ret_fd -1 or owned by the caller); 0 at end of file; a negative errno: -EAGAIN
// nothing there, -EPROTO not a message.
int channel_receive(int socket, struct channel_message *ret, int *ret_fd);
