// Figures that every event loop publishes: one slot each, in memory that master and workers share.
//
// A slot has one writer, its loop; everybody may read. A reader sees numbers that may be a moment
// old, and bounds what it does with them: they come from a process that could be taken over. The
// memory is a memfd sealed against growing and shrinking.
#pragma once

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
    X(HANDED, "the next generation has it")

enum conn_close {
#define X(id, text) CONN_CLOSE_##id,
    CONN_CLOSE_TABLE(X)
#undef X
        CONN_CLOSES_COUNT
};

struct scoreboard_slot {
    _Alignas(128) _Atomic uint32_t connections; // open now
    _Atomic uint64_t accepted;
    _Atomic uint64_t turned_away; // newcomers that got 503, for there was no room
    _Atomic uint64_t requests;
    _Atomic uint64_t closed[CONN_CLOSES_COUNT]; // connections, by enum conn_close
    _Atomic uint64_t log_dropped;               // lines that the access log could not take
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

// Sum of the open connections of all slots.
uint64_t scoreboard_connections(const struct scoreboard *s);

// Whether a loop that holds `own` of `total` connections, over `loops` loops, holds so much more
// than its share that others should accept first. Has some slack, so that it costs nothing when
// the shares are even. Pure.
bool scoreboard_over_share(uint64_t own, uint64_t total, uint32_t loops);
