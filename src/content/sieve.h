// Which of many things that are kept is let go of first: SIEVE (Zhang and others, NSDI 2024).
//
// They stand in the order in which they came. A hand goes from the oldest to the newest, and round
// again: what was asked for since it passed stays, and is asked about the next time; the first that
// was not goes. To note that something was asked for is one store, nothing moves; and what is asked
// for once, as in a walk through all files, drives out nothing that is asked for often. Owns
// nothing.
#pragma once

#include "base/list.h"

#include <stdbool.h>

struct sieve_item {
    struct list link;
    bool wanted; // to be set when it is asked for
};

struct sieve {
    struct list items; // oldest first
    struct list *hand;
};

void sieve_init(struct sieve *s);

// An item that is in no sieve is in one from now on, as the newest.
void sieve_add(struct sieve *s, struct sieve_item *item);
void sieve_remove(struct sieve *s, struct sieve_item *item);

// The item that is to go, still in its place; NULL: there is none.
struct sieve_item *sieve_next(struct sieve *s);
