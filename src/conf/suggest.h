// The word that somebody most likely meant: for "did you mean" in messages.
//
// Offer every valid word, then read `best`. Pure; keeps the pointers it is given.
#pragma once

#include "base/slice.h"

struct suggest {
    struct slice word;
    const char *best; // NULL: nothing is near enough
    size_t distance;
};

// Only words that differ by at most a third of their letters (at least one) are near enough.
struct suggest suggest_for(struct slice word);

// Offers `answer` because of its likeness to `key`; at equal distance the first one stays.
void suggest_offer(struct suggest *n, struct slice key, const char *answer);

// How many letters must be added, left out, replaced or swapped with their neighbour to make `b`
// of `a`. Words beyond 64 bytes are infinitely far: SIZE_MAX. Public for tests.
size_t suggest_distance(struct slice a, struct slice b);
