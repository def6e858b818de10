// Accepting on the shared listening sockets, and the balance between the loops that do.
//
// A loop waits on all listeners, or on none of them: it pauses when descriptors or memory have run
// out, and for a moment when it was woken although others hold less.
#pragma once

#include "server/loop.h"

// Waits on every listener that is not given up.
void acceptor_start(struct loop *l);

// Waits on none.
void acceptor_stop(struct loop *l);

// Accepts what one listener has and this loop should take; each new connection has received once
// and stands in l->ready.
void acceptor_run(struct loop *l, struct acceptor *a);

// Goes on after a pause, when its time has come or (after a shortage) a connection was closed.
void acceptor_resume(struct loop *l);

// When acceptor_resume() wants to be called, or -1.
int64_t acceptor_next(const struct loop *l);

// Tries every listener without having been woken.
void acceptor_try(struct loop *l);

// The loop ends: gives up the listeners on which others go on accepting.
void acceptor_leave(struct loop *l);

// Whether listeners are left on which nobody else accepts.
bool acceptor_is_leaving(const struct loop *l);

// Accepts what is queued on those. True when nothing was left, so that they may be closed; call
// again in the next round if not.
bool acceptor_finish(struct loop *l);
