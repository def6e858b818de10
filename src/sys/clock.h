// The time, read once per round of an event loop.
//
// Coarse clocks: no system call, at most a few milliseconds late, and the same clock that the
// kernel stamps files with, which the freshness rule needs (sys/rootfs.h).
#pragma once

#include <stdint.h>

struct clock {
    int64_t now;    // ms; never goes back, for deadlines (CLOCK_MONOTONIC)
    int64_t wall_s; // seconds since 1970, for Date and the log (CLOCK_REALTIME); may jump
};

void clock_read(struct clock *c);

// Each alone.
int64_t clock_now(void);
int64_t clock_wall_s(void);
int64_t clock_wall_ms(void); // as wall_s, in ms

// The monotonic time in microseconds, and not coarse: for measuring how long something takes.
int64_t clock_now_us(void);
