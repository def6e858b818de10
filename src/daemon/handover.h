// The ways of connections from workers that end to those that have taken over: a pair of sockets
// (server/handoff.h) for each worker that ends, made when it is told to.
//
// It gets one end alone. The other one goes to each worker of the generation that takes over, and
// stays here: to be given to workers that start later and to further generations, and so that a
// connection that nobody has taken yet survives every worker's death. It is closed when its worker
// has ended and nothing is left in it. Nobody here takes anything out.
//
// Programs before this one had one pair for all, and their workers still do: over an upgrade the
// master passes such a pair on (maker->handoff), and hands over to and from such workers by it.
// Master only.
#pragma once

#include "daemon/generation_types.h"
#include "daemon/worker_process.h"

void handovers_init(struct handovers *h);

// Closes all of them. No worker may be left.
void handovers_cleanup(struct handovers *h);

// Tells a worker to end, and to hand its connections to those workers of `to` (perhaps its own
// generation) that serve. Without descriptors for a pair it finishes what is open.
void handover_begin(struct worker_process *from, struct generation *to);

// The same for every worker of `from`. Before, `to` is given what earlier ones hand over.
void handover_begin_all(struct generation *from, struct generation *to);

// A worker starts to serve in the current generation: it takes part in what is under way.
void handover_join(struct worker_process *w);

// The worker has handed over what it could at once, or all: so many so far.
void handover_note_sent(struct worker_process *from, uint32_t count);

// The worker has ended.
void handover_note_end(struct worker_process *from);

// A worker of another image, which hands over by a pair of which this end was passed on.
void handover_adopt(struct worker_process *from, int in);

// The end that is kept of its pair; -1: it has none, or none any more.
int handover_of(const struct worker_process *from);

// Closes those that are over and empty.
void handovers_sweep(struct handovers *h);

// Whether all that could be sent at once was sent and was taken out. *ret_sent is how many they
// were, since handovers_forget_counts().
bool handovers_are_settled(const struct handovers *h, uint64_t *ret_sent);
void handovers_forget_counts(struct handovers *h);

// Makes sure of maker->handoff, before another image is executed, which may be of such a program. 0
// or a negative errno.
int handovers_open_old(struct generation_maker *maker);

// Gives a worker that end of it by which it would hand over to workers of such a program.
void handover_prepare_for_old(struct generation *g);

// Closes it: none of the workers that are left knows it.
void handovers_close_old(struct generation_maker *maker);
