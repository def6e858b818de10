#include "daemon/totals.h"

#include "base/util.h"

#include <limits.h>

static uint64_t sum(uint64_t a, uint64_t b)
{
    return MIN(MIN(a, COUNTERS_MAX) + MIN(b, COUNTERS_MAX), COUNTERS_MAX);
}

static void add_counters(struct counters *counts, const struct scoreboard_slot *slot)
{
    uint64_t *values = counters_values(counts);
    for (size_t i = 0; i < COUNTERS_COUNT; i++)
        values[i] = sum(values[i], atomic_load_explicit(&slot->counters[i], memory_order_relaxed));
}

void totals_fold(struct totals *t, const struct scoreboard *s, uint32_t place)
{
    for (uint32_t i = 0; i < s->loops; i++)
        add_counters(&t->ended, &s->places[place].slots[i]);
    scoreboard_clear(s, place);
}

void totals_begin(const struct totals *t, struct totals_report *ret)
{
    *ret = (struct totals_report){.counts = t->ended};
}

static void add_loop(struct totals_report *report, const struct scoreboard_slot *slot,
                     const struct scoreboard_notes *notes)
{
    uint32_t phase = atomic_load_explicit(&slot->phase, memory_order_relaxed);
    add_counters(&report->counts, slot);
    report->loops += phase == SCOREBOARD_SERVING || phase == SCOREBOARD_LEAVING;
    report->connections += atomic_load_explicit(&slot->connections, memory_order_relaxed);
    uint32_t error = atomic_load_explicit(&notes->log_error, memory_order_relaxed);
    if (error)
        report->log_error = (int)MIN(error, INT_MAX);
    if (atomic_load_explicit(&notes->is_log_losing, memory_order_relaxed))
        report->is_log_losing = true;
    for (size_t i = 0; i < DEADLINE_CLASSES; i++)
        report->waiting[i] += atomic_load_explicit(&notes->waiting[i], memory_order_relaxed);
}

void totals_add(struct totals_report *report, const struct scoreboard *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t j = 0; j < s->loops; j++)
            add_loop(report, &s->places[i].slots[j], &s->places[i].notes[j]);
}

void totals_finish(struct totals *t, struct totals_report *report)
{
    uint64_t *now = counters_values(&report->counts);
    const uint64_t *before = counters_values_const(&t->shown);
    for (size_t i = 0; i < COUNTERS_COUNT; i++)
        now[i] = MAX(now[i], before[i]);
    t->shown = report->counts;
}
