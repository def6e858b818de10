// Figures that every event loop publishes, in memory that master and workers share: a slot, which
// the loops of all workers read, and notes, which are for the master alone.
//
// Both have one writer, the loop; the master clears them when the worker has ended. A reader sees
// numbers that may be a moment old, and bounds what it does with them: they come from a process
// that could be taken over. Each worker has memory of its own for the slots of its loops, and for
// their notes (sys/sharedmem.h); another worker cannot write the one and does not have the other.
// Nothing here is locked; a counter costs a load and a store.
#pragma once

#include "server/counters.h"
#include "server/deadline.h"
#include "server/inflight.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// Rounds of a loop are counted by how long they took: [0] less than this, each class after it twice
// as long, the last one without a bound. It is time that passed, not the processor's.
#define SCOREBOARD_ROUND_SHORT 16 // us

enum scoreboard_phase {
    SCOREBOARD_ABSENT,  // no loop has the slot
    SCOREBOARD_SERVING, // it accepts connections
    SCOREBOARD_LEAVING, // others accept; it finishes what is open, or hands it over
    SCOREBOARD_ENDED,   // it does nothing any more
};

struct scoreboard_slot {
    // Members that other loops read when they accept stand apart from those that each request
    // changes.
    _Alignas(128) _Atomic uint32_t phase; // enum scoreboard_phase
    _Atomic uint32_t connections;         // open now
    _Alignas(128) union {
        struct {
#define X(member, key, text, help) _Atomic uint64_t member;
            COUNTERS_SINGLE_TABLE(X)
#undef X
#define X(member, key, title, ROWS, help) _Atomic uint64_t member[COUNTERS_##ROWS##_COUNT];
            COUNTERS_GROUP_TABLE(X)
#undef X
        };
        _Atomic uint64_t counters[COUNTERS_COUNT]; // the same, in the order of the rows
    };
};

struct scoreboard_notes {
    _Alignas(128) _Atomic uint64_t beat;        // grows with each round, so at least once a second
    _Atomic uint32_t waiting[DEADLINE_CLASSES]; // open connections by what they wait for
    _Atomic uint64_t refused; // the system call that ended the worker (sys/sandbox.h), in its first
                              // notes, by whichever of its threads; 0: none
    _Atomic uint32_t log_error;     // errno of the last lines that its access log lost; 0: none
    _Atomic uint32_t is_log_losing; // the last write to it has failed
    _Alignas(128) struct inflight_table inflight;
};

// A worker's place: one of each for each of its loops. Slots and notes are there in the master and
// in the worker itself, the view, of the slots, in all workers.
struct scoreboard_place {
    struct scoreboard_slot *slots;
    struct scoreboard_notes *notes;
    const struct scoreboard_slot *view;
};

struct scoreboard {
    struct scoreboard_place *places;
    uint32_t count; // of places
    uint32_t loops; // of each
};

// Makes a board for `count` workers with `loops` loops each, all zero. 0 or a negative errno.
int scoreboard_init(struct scoreboard *s, uint32_t count, uint32_t loops);
void scoreboard_cleanup(struct scoreboard *s);

// Whether a process that is forked from now on has that place, for its loops to write: its worker
// alone.
void scoreboard_lend(const struct scoreboard *s, uint32_t place, bool is_lent);

// For the one writer of a counter.
static inline void scoreboard_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

// Counts an answer; `status` is between 100 and 599.
static inline void scoreboard_add_answer(struct scoreboard_slot *slot, int status)
{
    scoreboard_add(&slot->answers[status / 100 - 1], 1);
}

// The class of a round that took so long. Pure.
unsigned scoreboard_round_class(int64_t us);

// The classes' upper bound, in us; of the last one 0: there is none. Public for tests.
uint64_t scoreboard_round_bound(unsigned class);

// The connections of all loops that accept.
struct scoreboard_load {
    uint64_t connections;
    uint32_t loops;
};

struct scoreboard_load scoreboard_load(const struct scoreboard *s);

// Makes a place as new. Its worker must have ended.
void scoreboard_clear(const struct scoreboard *s, uint32_t place);

// Whether a loop that holds `own` of `total` connections, over `loops` loops, holds so much more
// than its share that others should accept first. Has some slack, so that it costs nothing when
// the shares are even. Pure.
bool scoreboard_over_share(uint64_t own, uint64_t total, uint32_t loops);
