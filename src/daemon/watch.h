// All that the master waits for: descriptors that become readable, and times. Each has a
// function of its own that is called then. Master only.
#pragma once

#include "base/timers.h"
#include "sys/poller.h"

typedef void watch_cb(void *context);

// A descriptor's. It stays where it is until the wait in which the descriptor was removed is over,
// for an event of that wait may still point at it.
struct watch {
    watch_cb *ready;
    void *context;
};

struct watches {
    struct poller poller;
    struct timers timers;
    int64_t now;   // when the last wait ended, ms of clock_now()
    int64_t woken; // the same, but before anything was called
    int64_t away;  // how long before that the wait before it had ended, ms
};

// 0 or a negative errno.
int watch_init(struct watches *ws);
void watch_cleanup(struct watches *ws);

// From now on `w` is called whenever the descriptor is readable or at its end. 0 or a negative
// errno.
int watch_add(struct watches *ws, int fd, struct watch *w);

// Before the descriptor is closed. Harmless for one that is not watched.
void watch_remove(struct watches *ws, int fd);

// Waits for what comes next, and calls all that is ready and all that is due.
void watch_wait(struct watches *ws);

// The same for descriptors alone, at most for so many ms. How many were ready. For tests.
int watch_wait_ready(struct watches *ws, int timeout_ms);
