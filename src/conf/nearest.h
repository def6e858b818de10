// The word that somebody most likely meant: for "did you mean" in messages.
//
// Offer every valid word, then read `best`. Pure; keeps the pointers it is given.
#pragma once

#include "base/slice.h"

struct nearest {
    struct slice word;
    const char *best; // NULL: nothing is near enough
    size_t distance;
};

// Only words that differ by at most a third of their letters (at least one) are near enough.
struct nearest nearest_make(struct slice word);

// Offers `answer` because of its likeness to `key`; at equal distance the first one stays.
void nearest_offer(struct nearest *n, struct slice key, const char *answer);

// How many letters must be added, left out, replaced or swapped with their neighbour to make `b`
// of `a`. Words beyond 64 bytes are infinitely far: SIZE_MAX.
size_t nearest_distance(struct slice a, struct slice b);
