// The policy of keeping workers alive: whether and when to start one, and when one has served long
// enough. No fork, no clock, no log.
//
// A worker that dies is replaced at once. One that died before it was ready, or so soon after that
// it can have served nobody, is replaced after a delay that doubles with each failure in a row, up
// to a cap; a worker that lived for a healthy while makes the next death count as the first again.
// Times are ms of one monotonic clock.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SUPERVISE_FIRST_DELAY 100   // ms after the first failure
#define SUPERVISE_MAX_DELAY   30000 // ms
#define SUPERVISE_TOO_SOON    200   // ms after it was ready: such a death is a failure
#define SUPERVISE_HEALTHY     10000 // ms after it was ready: failures before it are forgotten

enum supervise_phase { SUPERVISE_WANTED, SUPERVISE_STARTING, SUPERVISE_READY, SUPERVISE_RETIRED };

// One place for a worker. All zero: a worker is wanted at once.
struct supervise {
    enum supervise_phase phase;
    unsigned failures; // in a row
    int64_t due;       // WANTED: when
    int64_t ready_at;  // READY: since
};

// A worker should be started now.
bool supervise_is_due(const struct supervise *s, int64_t now);

// When supervise_is_due() becomes true, or -1 when nothing is wanted.
int64_t supervise_next(const struct supervise *s);

// How long a worker serves before it is replaced; 0: no limit.
struct supervise_limits {
    uint64_t requests;
    int64_t age; // ms since it was ready
};

// The worker has served long enough, after `requests`. `number` is its own: by it the limits are
// cut by up to a quarter, differently even for neighbours, so that workers which were started
// together do not come due together.
bool supervise_is_due_for_recycling(const struct supervise *s,
                                    const struct supervise_limits *limits, uint64_t requests,
                                    uint32_t number, int64_t now);

// Events.
void supervise_started(struct supervise *s);
void supervise_ready(struct supervise *s, int64_t now);
void supervise_died(struct supervise *s, int64_t now); // also: could not be forked
void supervise_retire(struct supervise *s);            // is not replaced any more
