// An event loop of a worker: waits, and serves in rounds.
//
//   round: for each group of ready connections:
//              accept and receive from all │ then, for each: answer what is complete
//
// The two passes make answers fresh: a file is checked after the request for it was received, once
// for the whole group. A loop shares nothing with other threads; they reach it through loop_poke()
// only.
#pragma once

#include "server/acceptor.h"
#include "server/conn_types.h"
#include "server/context.h"

struct loop {
    struct context ctx;
    struct acceptors acceptors;
    struct source answers;
    struct source reads;             // the readahead's descriptor
    struct source poke;              // an eventfd, written by loop_poke()
    _Atomic int wanted;              // enum loop_phase, set by it
    struct loop_gift *_Atomic gifts; // that it was given
    int64_t phase_since;
    bool stopped_accepting; // for good
    bool handoff_full;      // there was no room for the last connection that was sent
    bool has_handed_over;   // on_handed_over was called
    int64_t last_tick;
    int64_t swap_told;              // when on_swapped was called last
    uint32_t cut;                   // connections cut by timeouts.drain
    void (*on_told)(void *context); // a SOURCE_WORKER is ready, which the first loop waits on
    void *told_context;
};

// Makes a loop. 0 or a negative errno.
int loop_init(struct loop *l, const struct context_shared *shared, struct scoreboard_slot *slot,
              struct scoreboard_notes *notes);
void loop_cleanup(struct loop *l);

// Serves until the loop was told to end and its connections are gone.
void loop_run(struct loop *l);

// One round of it: waits until there is something to do, and does it. Public for tests.
void loop_round(struct loop *l);

// From any thread: has the loop take connections from the descriptor `fd`, which it takes over.
void loop_take_from(struct loop *l, int fd);

// From any thread: brings the loop to `phase`, if it is later than the one it is in; and has it try
// its listeners without having been woken.
void loop_poke(struct loop *l, enum loop_phase phase);
