#include "server/scoreboard.h"

#include "base/util.h"
#include "sys/sharedmem.h"

#include <stddef.h>

// The two views of a slot's counters are one.
_Static_assert(offsetof(struct scoreboard_slot, rounds) -
                       offsetof(struct scoreboard_slot, counters) ==
                   offsetof(struct scoreboard_counts, rounds),
               "counters have no gaps");

int scoreboard_init(struct scoreboard *s, uint32_t count)
{
    void *memory;
    int r = sharedmem_map(count * sizeof(struct scoreboard_slot), &memory);
    if (r == 0)
        *s = (struct scoreboard){memory, count};
    return r;
}

void scoreboard_cleanup(struct scoreboard *s)
{
    if (s->slots)
        sharedmem_unmap(s->slots, s->count * sizeof(struct scoreboard_slot));
    *s = (struct scoreboard){0};
}

unsigned scoreboard_round_class(int64_t us)
{
    unsigned class = 0;
    while (class < SCOREBOARD_ROUND_CLASSES - 1 && us >= (int64_t)scoreboard_round_bound(class))
        class ++;
    return class;
}

uint64_t scoreboard_round_bound(unsigned class)
{
    return class < SCOREBOARD_ROUND_CLASSES - 1 ? (uint64_t)SCOREBOARD_ROUND_SHORT << class : 0;
}

struct scoreboard_load scoreboard_load(const struct scoreboard *s)
{
    struct scoreboard_load load = {0};
    for (uint32_t i = 0; i < s->count; i++) {
        const struct scoreboard_slot *slot = &s->slots[i];
        if (atomic_load_explicit(&slot->phase, memory_order_relaxed) != SCOREBOARD_SERVING)
            continue;
        load.connections += atomic_load_explicit(&slot->connections, memory_order_relaxed);
        load.loops++;
    }
    return load;
}

void scoreboard_clear(struct scoreboard_slot *slot)
{
    atomic_store(&slot->phase, SCOREBOARD_ABSENT);
    atomic_store(&slot->connections, 0);
    atomic_store(&slot->beat, 0);
    for (size_t i = 0; i < ARRAY_SIZE(slot->waiting); i++)
        atomic_store(&slot->waiting[i], 0);
    for (size_t i = 0; i < ARRAY_SIZE(slot->counters); i++)
        atomic_store(&slot->counters[i], 0);
    slot->flights = (struct flights){0};
}

bool scoreboard_over_share(uint64_t own, uint64_t total, uint32_t loops)
{
    if (loops < 2)
        return false;
    uint64_t share = total / loops;
    return own > share + 1 + share / 32;
}
