// Figures that every event loop publishes: one slot each, in memory that master and workers share.
//
// A slot has one writer, its loop; everybody may read. A reader sees numbers that may be a moment
// old, and bounds what it does with them: they come from a process that could be taken over. The
// memory is a memfd sealed against growing and shrinking. Nothing here is locked; a counter costs a
// load and a store.
#pragma once

#include "server/deadline.h"
#include "server/flight.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// X(id, text): why a connection was closed.
#define CONN_CLOSE_TABLE(X)                                 \
    X(DONE, "the last answer was sent")                     \
    X(EOF, "the client closed it")                          \
    X(RESET, "the client reset it")                         \
    X(TIMEOUT, "a deadline passed")                         \
    X(CHANGED, "the file became shorter while it was sent") \
    X(ROOM, "it made room for a new connection")            \
    X(MEMORY, "no memory")                                  \
    X(STOP, "the server stopped")                           \
    X(HANDED, "another worker has it")

enum conn_close {
#define X(id, text) CONN_CLOSE_##id,
    CONN_CLOSE_TABLE(X)
#undef X
        CONN_CLOSES_COUNT
};

// X(member): what only grows while a loop lives.
//   accepted     connections that were accepted, and let in
//   taken        connections that others have handed over
//   turned_away  newcomers that got 503, for there was no room
//   requests     that were answered, or refused
//   sent         bytes of answers
//   log_dropped  lines that the access log could not take
#define SCOREBOARD_COUNTER_TABLE(X) \
    X(accepted) X(taken) X(turned_away) X(requests) X(sent) X(log_dropped)

// Answers by the first digit of their status: 1xx at [0].
#define SCOREBOARD_STATUS_CLASSES 5

// Rounds of a loop by how long they took from the first event to the last answer: [0] less than 16
// us, each class after it twice as long, the last one whatever is longer. What an operator wants to
// know of it is how long a client may wait for others: so it is time that passed, not the
// processor's.
#define SCOREBOARD_ROUND_CLASSES 16
#define SCOREBOARD_ROUND_SHORT   16 // us

#define SCOREBOARD_COUNTERS (sizeof(struct scoreboard_counts) / sizeof(uint64_t))

// The counters as numbers: those of one loop, or of many.
struct scoreboard_counts {
#define X(member) uint64_t member;
    SCOREBOARD_COUNTER_TABLE(X)
#undef X
    uint64_t answers[SCOREBOARD_STATUS_CLASSES];
    uint64_t closed[CONN_CLOSES_COUNT]; // connections, by enum conn_close
    uint64_t rounds[SCOREBOARD_ROUND_CLASSES];
};

enum scoreboard_phase {
    SCOREBOARD_ABSENT,  // no loop has the slot
    SCOREBOARD_SERVING, // it accepts connections
    SCOREBOARD_LEAVING, // others accept; it finishes what is open, or hands it over
    SCOREBOARD_ENDED,   // it does nothing any more
};

struct scoreboard_slot {
    // What the other loops read when they accept is apart from what changes with each request.
    _Alignas(128) _Atomic uint32_t phase;       // enum scoreboard_phase
    _Atomic uint32_t connections;               // open now
    _Alignas(128) _Atomic uint64_t beat;        // grows with each round, so at least once a second
    _Atomic uint32_t waiting[DEADLINE_CLASSES]; // open connections by what they wait for
    _Atomic uint64_t refused; // the system call that ended the worker (sys/sandbox.h), in its first
                              // slot, by whichever of its threads; 0: none
    union {
        struct {
#define X(member) _Atomic uint64_t member;
            SCOREBOARD_COUNTER_TABLE(X)
#undef X
            _Atomic uint64_t answers[SCOREBOARD_STATUS_CLASSES];
            _Atomic uint64_t closed[CONN_CLOSES_COUNT];
            _Atomic uint64_t rounds[SCOREBOARD_ROUND_CLASSES];
        };
        _Atomic uint64_t counters[SCOREBOARD_COUNTERS]; // the same, as in struct scoreboard_counts
    };
    _Alignas(128) struct flights flights;
};

struct scoreboard {
    struct scoreboard_slot *slots;
    uint32_t count;
};

// Makes a board of `count` slots, all zero. 0 or a negative errno.
int scoreboard_init(struct scoreboard *s, uint32_t count);
void scoreboard_cleanup(struct scoreboard *s);

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

// The classes' upper bound, in us; of the last one 0: there is none.
uint64_t scoreboard_round_bound(unsigned class);

// What the loops that accept hold together.
struct scoreboard_load {
    uint64_t connections;
    uint32_t loops;
};

struct scoreboard_load scoreboard_load(const struct scoreboard *s);

// Makes a slot as new. Its loop must have ended.
void scoreboard_clear(struct scoreboard_slot *slot);

// Whether a loop that holds `own` of `total` connections, over `loops` loops, holds so much more
// than its share that others should accept first. Has some slack, so that it costs nothing when
// the shares are even. Pure.
bool scoreboard_over_share(uint64_t own, uint64_t total, uint32_t loops);
