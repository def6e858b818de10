#include "daemon/totals.h"

#include "base/util.h"

static uint64_t sum(uint64_t a, uint64_t b)
{
    return MIN(MIN(a, TOTALS_MAX) + MIN(b, TOTALS_MAX), TOTALS_MAX);
}

static uint64_t *counters_of(struct scoreboard_counts *counts)
{
    return (uint64_t *)counts;
}

static void add_counters(struct scoreboard_counts *counts, const struct scoreboard_slot *slot)
{
    uint64_t *counters = counters_of(counts);
    for (size_t i = 0; i < SCOREBOARD_COUNTERS; i++)
        counters[i] = sum(counters[i],
                          atomic_load_explicit(&slot->counters[i], memory_order_relaxed));
}

void totals_fold(struct totals *t, struct scoreboard_slot *slot)
{
    add_counters(&t->ended, slot);
    scoreboard_clear(slot);
}

void totals_begin(const struct totals *t, struct totals_report *ret)
{
    *ret = (struct totals_report){.counts = t->ended};
}

static void add_slot(struct totals_report *report, const struct scoreboard_slot *slot)
{
    uint32_t phase = atomic_load_explicit(&slot->phase, memory_order_relaxed);
    add_counters(&report->counts, slot);
    report->loops += phase == SCOREBOARD_SERVING || phase == SCOREBOARD_LEAVING;
    report->connections += atomic_load_explicit(&slot->connections, memory_order_relaxed);
    for (size_t i = 0; i < DEADLINE_CLASSES; i++)
        report->waiting[i] += atomic_load_explicit(&slot->waiting[i], memory_order_relaxed);
}

void totals_add(struct totals_report *report, const struct scoreboard *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        add_slot(report, &s->slots[i]);
}

void totals_finish(struct totals *t, struct totals_report *report)
{
    uint64_t *now = counters_of(&report->counts);
    const uint64_t *before = counters_of(&t->shown);
    for (size_t i = 0; i < SCOREBOARD_COUNTERS; i++)
        now[i] = MAX(now[i], before[i]);
    t->shown = report->counts;
}
