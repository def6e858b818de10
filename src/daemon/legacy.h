// Workers of another image of the master, which this one has taken over (daemon/upgrade.h): they
// serve on until a generation of its own is ready, and are not replaced.
#pragma once

#include "daemon/generation.h"
#include "daemon/state.h"

// Makes a generation of the workers of `s` that belong together from number *at on, and moves *at
// behind them; with the listeners when they are the ones that were current. NULL: no memory.
struct generation *legacy_adopt(const struct generation_maker *maker, const struct state *s,
                                size_t *at);

// Describes the generations of a master, oldest first: workers, and of `current` the listeners. The
// rest of `ret` is left alone. 0 or -ENOMEM.
int legacy_describe(struct list *generations, const struct generation *current, struct state *ret);
