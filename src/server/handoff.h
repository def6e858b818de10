// Connections that change hands: a loop that ends sends them, with all that belongs to them, to the
// loops of the generation that has taken over.
//
// One message for each connection (server/handoff_record.h), over a pair of sockets that each
// worker that ends gets for it (daemon/handover.h), with the connection's descriptor and, in the
// middle of a file, that of the file. The receiver checks every value: it comes from a process that
// could be taken over. A message that nobody has taken yet survives the death of any worker.
#pragma once

#include "server/context.h"

// The largest message, with room for the longest head that the limits allow to be configured and
// for all that can be on its way out. One that is larger waits until it has shrunk.
#define HANDOFF_MAX (256u << 10)

// Makes a pair: connections go into pair[1] and come out of pair[0], and nothing goes the other
// way, whoever has the ends. 0 or a negative errno.
int handoff_pair(int pair[static 2]);

enum handoff_sent {
    HANDOFF_SENT,  // the slot is free
    HANDOFF_STAYS, // it cannot be moved in the state it is in
    HANDOFF_FULL,  // later; it is served on as before
};

// Sends a connection away.
enum handoff_sent handoff_send(struct context *ctx, struct conn *c);

enum handoff_taken {
    HANDOFF_TAKEN,    // it is served from now on
    HANDOFF_LOST,     // what came was no connection that can be served
    HANDOFF_NONE,     // nothing is there
    HANDOFF_OVER,     // nothing is there, and nobody to send anything
    HANDOFF_SHORTAGE, // descriptors or memory may not suffice: nothing was taken
};

// Takes one connection from `socket`.
enum handoff_taken handoff_take(struct context *ctx, int socket);
