// An amount that several threads may use of something, all together: bytes of memory, as a rule.
//
// The owner keeps it for longer than anybody uses it. No locks, and nobody waits: a share that is
// not left is refused.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
    _Atomic uint64_t used;
    uint64_t limit; // set before others know of it
};

// Takes a share. False: so much is not left, and none was taken. In any thread, as the others.
bool budget_take(struct budget *b, uint64_t share);

// Gives back what was taken.
void budget_give(struct budget *b, uint64_t share);

// How much is in use, or was a moment ago.
uint64_t budget_used(const struct budget *b);
