#include "server/scoreboard.h"

#include "sys/sharedmem.h"

#include <stddef.h>

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

uint64_t scoreboard_connections(const struct scoreboard *s)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < s->count; i++)
        total += atomic_load_explicit(&s->slots[i].connections, memory_order_relaxed);
    return total;
}

bool scoreboard_over_share(uint64_t own, uint64_t total, uint32_t loops)
{
    uint64_t share = total / loops;
    return loops > 1 && own > share + 1 + share / 32;
}
