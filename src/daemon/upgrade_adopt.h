// Workers of another image of the master, which this one has taken over (daemon/upgrade_exec.h):
// they serve on until a generation of its own is ready, and are not replaced.
#pragma once

#include "daemon/generation.h"
#include "daemon/upgrade_state.h"

// Makes a generation of the workers of `s` that belong together from number *at on, and moves *at
// behind them; with the listeners when they are the ones that were current. NULL: no memory.
struct generation *upgrade_adopt_workers(struct generation_maker *maker,
                                         const struct upgrade_state *s, size_t *at);

// Makes the current generation of a state whose workers have all died: its listeners, which nobody
// may lose, since clients wait in their queues. NULL: no memory.
struct generation *upgrade_adopt_listeners(struct generation_maker *maker,
                                           const struct upgrade_state *s);

// Describes the generations of a master, oldest first: workers, and of `current` the listeners. The
// rest of `ret` is left alone. 0 or -ENOMEM.
int upgrade_adopt_describe(struct list *generations, const struct generation *current,
                           struct upgrade_state *ret);
