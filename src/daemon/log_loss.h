// Lines that access logs lose: a warning when it begins, and another when lines are written again.
// Master only.
#pragma once

#include "daemon/totals.h"

#include <stdbool.h>
#include <stdint.h>

// How often it is looked at.
#define LOG_LOSS_PERIOD 1000 // ms

// A sink that is full now and then, such as a slow pipe, is warned of at most so often.
#define LOG_LOSS_PAUSE 60000 // ms

struct log_loss {
    bool is_losing;
    int64_t warned_at; // 0: never
    uint64_t told;     // lines whose loss has been told
    uint64_t seen;     // lines lost when it was last looked at
};

// From now on. `lost` are the lines that were lost before, by a predecessor perhaps.
void log_loss_begin(struct log_loss *l, uint64_t lost);

// Looks at the totals, and logs what there is to say. `now` is the clock's.
void log_loss_look(struct log_loss *l, const struct totals_report *totals, int64_t now);
