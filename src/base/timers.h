// Timers: functions that are called when a time has come. The time is a parameter, in ms of any
// clock that never goes back.
//
// A timer is embedded in what it belongs to, and setting it allocates nothing. The set is a sorted
// list: it is meant for the few dozen timers of a process that keeps others, not for connections.
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

typedef void timers_cb(void *context);

struct timer {
    struct list link; // of the timers, while it is set
    int64_t when;
    timers_cb *due;
    void *context;
};

struct timers {
    struct list list; // the earliest first
};

void timers_init(struct timers *ts);

// Makes a timer, which is not set yet.
void timers_make(struct timer *t, timers_cb *due, void *context);

// Has it called at `when`, instead of at the time that it was set to before.
void timers_set(struct timers *ts, struct timer *t, int64_t when);

// Has it not called. Harmless for a timer that is not set, or was never made (all zero).
void timers_cancel(struct timer *t);

bool timers_is_set(const struct timer *t);

// When the earliest is due; -1: none is set.
int64_t timers_next(const struct timers *ts);

// Calls every timer that is due; each is no longer set then. One that a callback sets waits for the
// next call, also if it is due at once. Callbacks may set and cancel any timer, and free what it is
// embedded in.
void timers_run(struct timers *ts, int64_t now);
