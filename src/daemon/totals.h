// Totals over all event loops that a master has had: those that run, and what is left of those that
// have ended. Master only.
//
// What a slot of a scoreboard says was written by a worker, and a worker could be taken over. So it
// is read as a number with an upper bound, and no total ever becomes less, whatever stands there.
#pragma once

#include "server/scoreboard.h"

// No counter is more: what a double, and so JSON, holds exactly.
#define TOTALS_MAX ((UINT64_C(1) << 53) - 1)

struct totals {
    struct scoreboard_counts ended; // of loops that are no more
    struct scoreboard_counts shown; // what was given out last
};

// What there is to know at one moment.
struct totals_report {
    struct scoreboard_counts counts;
    uint64_t loops;                     // that run
    uint64_t connections;               // open
    uint64_t waiting[DEADLINE_CLASSES]; // of these, by what they wait for
};

// The loop of this slot has ended: takes its counters over and makes the slot as new, so that they
// count once and the slot may have another loop.
void totals_fold(struct totals *t, struct scoreboard_slot *slot);

// A report is begun with what has ended, then every board that has workers is added, then the
// report is finished.
void totals_begin(const struct totals *t, struct totals_report *ret);
void totals_add(struct totals_report *report, const struct scoreboard *s);
void totals_finish(struct totals *t, struct totals_report *report);
