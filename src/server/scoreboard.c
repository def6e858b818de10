#include "server/scoreboard.h"

#include "sys/sharedmem.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// The two views of a slot's counters are one.
_Static_assert(offsetof(struct scoreboard_slot, rounds) -
                       offsetof(struct scoreboard_slot, counters) ==
                   offsetof(struct counters, rounds),
               "counters have no gaps");

static size_t slots_size(const struct scoreboard *s)
{
    return s->loops * sizeof(struct scoreboard_slot);
}

static size_t notes_size(const struct scoreboard *s)
{
    return s->loops * sizeof(struct scoreboard_notes);
}

static int map_place(const struct scoreboard *s, struct scoreboard_place *place)
{
    void *slots, *notes;
    const void *view;
    int r = sharedmem_map("tined-slots", slots_size(s), &slots, &view);
    if (r < 0)
        return r;
    place->slots = slots;
    place->view = view;
    r = sharedmem_map("tined-notes", notes_size(s), &notes, NULL);
    if (r == 0)
        place->notes = notes;
    return r;
}

int scoreboard_init(struct scoreboard *s, uint32_t count, uint32_t loops)
{
    struct scoreboard made = {.count = count, .loops = loops};
    made.places = calloc(count, sizeof(*made.places));
    int r = made.places ? 0 : -ENOMEM;
    for (uint32_t i = 0; r == 0 && i < count; i++)
        r = map_place(&made, &made.places[i]);
    if (r < 0)
        scoreboard_cleanup(&made);
    else
        *s = made;
    return r;
}

void scoreboard_cleanup(struct scoreboard *s)
{
    for (uint32_t i = 0; s->places && i < s->count; i++) {
        if (s->places[i].slots)
            sharedmem_unmap(s->places[i].slots, slots_size(s));
        if (s->places[i].view)
            sharedmem_unmap(s->places[i].view, slots_size(s));
        if (s->places[i].notes)
            sharedmem_unmap(s->places[i].notes, notes_size(s));
    }
    free(s->places);
    *s = (struct scoreboard){0};
}

void scoreboard_lend(const struct scoreboard *s, uint32_t place, bool is_lent)
{
    sharedmem_lend(s->places[place].slots, slots_size(s), is_lent);
    sharedmem_lend(s->places[place].notes, notes_size(s), is_lent);
}

unsigned scoreboard_round_class(int64_t us)
{
    unsigned class = 0;
    while (class < COUNTERS_ROUNDS_COUNT - 1 && us >= (int64_t)scoreboard_round_bound(class))
        class ++;
    return class;
}

uint64_t scoreboard_round_bound(unsigned class)
{
    return class < COUNTERS_ROUNDS_COUNT - 1 ? (uint64_t)SCOREBOARD_ROUND_SHORT << class : 0;
}

static void add_load(struct scoreboard_load *load, const struct scoreboard_slot *slot)
{
    if (atomic_load_explicit(&slot->phase, memory_order_relaxed) != SCOREBOARD_SERVING)
        return;
    load->connections += atomic_load_explicit(&slot->connections, memory_order_relaxed);
    load->loops++;
}

struct scoreboard_load scoreboard_load(const struct scoreboard *s)
{
    struct scoreboard_load load = {0};
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t j = 0; j < s->loops; j++)
            add_load(&load, &s->places[i].view[j]);
    return load;
}

void scoreboard_clear(const struct scoreboard *s, uint32_t place)
{
    memset(s->places[place].slots, 0, slots_size(s));
    memset(s->places[place].notes, 0, notes_size(s));
}

bool scoreboard_over_share(uint64_t own, uint64_t total, uint32_t loops)
{
    if (loops < 2)
        return false;
    uint64_t share = total / loops;
    return own > share + 1 + share / 32;
}
