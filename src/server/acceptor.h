// Accepting on the shared listening sockets, and the balance between the loops that do.
//
// A loop waits on all listeners, or on none of them: it pauses when descriptors or memory have run
// out, and for a moment when it was woken although others hold less.
#pragma once

#include "base/list.h"
#include "server/conn_types.h"
#include "server/eviction.h"

struct context;

// One listener, as a loop sees it; or a socket out of which connections come that a worker hands
// over, of which the descriptor is the loop's own.
struct acceptor {
    struct list link;
    struct source source;
    size_t number; // of the listener; those of handoffs stand behind them
    bool is_handoff;
    bool registered; // the poller has it
    bool given_up;   // for good
    uint32_t batch;  // connections taken in one round
    uint32_t streak; // rounds in a row in which there were as many
    uint64_t round;  // the last one in which it was ready
};

// All that a loop accepts on.
struct acceptors {
    struct context *ctx;
    struct list list;
    int64_t paused_until; // 0: not paused
    bool shortage;        // paused for want of descriptors or memory
    int spare;            // a descriptor to close when there is no other; or -1
    size_t accepted;      // connections, in this round
    struct eviction eviction;
};

// Waits on all listeners of the loop. 0 or -ENOMEM.
int acceptor_init(struct acceptors *all, struct context *ctx);
void acceptor_cleanup(struct acceptors *all);

// Takes connections from `fd`, which it takes over, until nobody is at the other end any more; not
// at all if the loop does not serve. Without memory they are left to other loops.
void acceptor_add_handoff(struct acceptors *all, int fd);

// Waits on every listener that is not given up.
void acceptor_start(struct acceptors *all);

// Waits on none.
void acceptor_stop(struct acceptors *all);

// Accepts what one listener has and this loop should take; each new connection has received once
// and stands in ctx->ready.
void acceptor_run(struct acceptors *all, struct acceptor *a);

// Goes on after a pause, when its time has come or (after a shortage) a connection was closed.
void acceptor_resume(struct acceptors *all);

// When acceptor_resume() wants to be called, or -1.
int64_t acceptor_next(const struct acceptors *all);

// Tries every listener without having been woken.
void acceptor_try(struct acceptors *all);

// To be called once a second, also when the loop accepts no more: makes sure of the spare
// descriptor, and frees handoffs that are over.
void acceptor_tick(struct acceptors *all);

// The loop ends: gives up the listeners on which others go on accepting.
void acceptor_leave(struct acceptors *all);

// After that, in each round: takes what is on its way to it, and gives up those handoffs of which
// nothing is left. Others may not have their other end: over an upgrade they do not.
void acceptor_drain_handoffs(struct acceptors *all);

// Whether listeners are left on which nobody else accepts.
bool acceptor_is_leaving(const struct acceptors *all);

// Accepts what is queued on those. True when nothing was left, so that they may be closed; call
// again in the next round if not.
bool acceptor_finish(struct acceptors *all);
