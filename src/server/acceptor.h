// Accepting on the shared listening sockets, and the balance between the loops that do.
#pragma once

#include "server/loop.h"

// Registers every listener with the loop's poller, or removes it there.
void acceptor_start(struct loop *l);
void acceptor_stop(struct loop *l);

// Accepts what one listener has and this loop should take; each new connection has received once
// and stands in l->ready. When descriptors or memory run out, accepting pauses
// (l->accepting_paused).
void acceptor_run(struct loop *l, struct acceptor *a);

// Goes on accepting when the loop has yielded to the others for long enough.
void acceptor_resume(struct loop *l);
