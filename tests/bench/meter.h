// The cost of a measurement to the processes that are measured, by the exact clocks of the kernel.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define METER_PROCESSES 16

struct meter {
    pid_t pids[METER_PROCESSES];
    size_t count;
};

// All but `sleeps` in seconds.
struct reading {
    double time;   // of the clock on the wall
    double cpu;    // of the processes, all threads
    double own;    // of the caller
    double delay;  // that the processes and the caller were ready to run but did not
    double sleeps; // how often the processes' main threads had nothing to do
};

// Adds a process. Returns 0, or a negative errno.
int meter_add(struct meter *m, pid_t pid);

// Reads the clocks. A process that is gone counts as 0.
struct reading meter_read(const struct meter *m);

struct reading meter_difference(struct reading from, struct reading to);
