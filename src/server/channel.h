// What master and worker say to each other: a closed set of small messages over a SOCK_SEQPACKET
// pair (sys/fdpass.h). Anything else is an error that ends the worker.
//
// End of file at the worker's end means that the master is gone.
#pragma once

#include <stdint.h>

enum channel_type {
    // master to worker
    CHANNEL_LEAVE,  // listener number `value` (or the handoff, numbered behind them) has no
                    // successor: on RETIRE accept what is queued first
    CHANNEL_RETIRE, // stop accepting and end; `value` not 0: others have taken over, hand them what
                    // is open, else finish it
    CHANNEL_TRY,    // a worker has died, perhaps woken for a connection: look at the listeners
    CHANNEL_DRAIN,  // serve on, but say at the admin listener that you are not ready for more
    CHANNEL_LOG,    // with a descriptor: the access log from now on
    // worker to master
    CHANNEL_READY, // serving
    CHANNEL_ROOT,  // a root leads elsewhere: a link was swapped
    CHANNEL_CUT,   // `value` connections were closed at timeouts.drain with an answer unfinished
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
