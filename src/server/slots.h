// The slots of an event loop's connections. They are allocated in chunks, never move, and are given
// back to the system with the loop only.
//
// A slot that was given back is not taken again before slots_reuse(): events of the same iteration
// may still point at it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

struct slots {
    struct conn **chunks;
    size_t chunk_count;
    struct conn *free;
    struct conn *closed;     // given back in this iteration
    uint32_t taken;          // that many connections are open
    _Atomic uint32_t *shown; // the same number, where others read it (server/scoreboard.h)
};

void slots_init(struct slots *s, _Atomic uint32_t *shown);
void slots_cleanup(struct slots *s);

// Whether there is a free slot; false: no memory for one.
bool slots_has_free(struct slots *s);

// A free slot, or NULL without memory.
struct conn *slots_take(struct slots *s);
void slots_give(struct slots *s, struct conn *c);

// Makes the slots free that were given back.
void slots_reuse(struct slots *s);

// All slots there are, by number, also those that are not in use (CONN_FREE).
size_t slots_count(const struct slots *s);
struct conn *slots_at(const struct slots *s, size_t number);
