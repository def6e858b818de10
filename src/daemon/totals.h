// Totals over all event loops that a master has had: those that run, and what is left of those that
// have ended. Master only.
//
// The slots of a scoreboard are written by workers, and a worker could be taken over. So they are
// read as numbers up to COUNTERS_MAX, and no total ever becomes less, whatever stands there.
#pragma once

#include "server/scoreboard.h"

struct totals {
    struct counters ended; // of loops that are no more
    struct counters shown; // what was given out last
};

// The figures of one moment.
struct totals_report {
    struct counters counts;
    uint64_t loops;                     // that run
    uint64_t connections;               // open
    uint64_t waiting[DEADLINE_CLASSES]; // of these, by what they wait for
    int log_error;      // why a loop that runs has lost lines of the log, as errno; 0: none has
    bool is_log_losing; // one does now
};

// The worker of this place has ended: takes its counters over and makes the place as new, so that
// they count once and it may have another worker.
void totals_fold(struct totals *t, const struct scoreboard *s, uint32_t place);

// A report is begun with what has ended, then every board that has workers is added, then the
// report is finished.
void totals_begin(const struct totals *t, struct totals_report *ret);
void totals_add(struct totals_report *report, const struct scoreboard *s);
void totals_finish(struct totals *t, struct totals_report *report);
