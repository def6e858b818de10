#include "meter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    return clock_gettime(clock, &t) < 0 ? 0 : (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// The second number of schedstat: ns that the process waited for a processor. 0 when not known.
static double delay_of(pid_t pid)
{
    char path[64];
    uint64_t delay = 0;
    snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %" SCNu64, &delay) != 1)
        delay = 0;
    fclose(f);
    return (double)delay / 1e9;
}

static double sleeps_of(pid_t pid)
{
    char path[64], line[256];
    unsigned long count = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f) &&
           sscanf(line, "voluntary_ctxt_switches: %lu", &count) != 1)
        ;
    if (f)
        fclose(f);
    return (double)count;
}

int meter_add(struct meter *m, pid_t pid)
{
    clockid_t clock;
    int r = clock_getcpuclockid(pid, &clock);
    if (r != 0)
        return -r;
    if (m->count == METER_PROCESSES)
        return -ENOSPC;
    m->pids[m->count++] = pid;
    return 0;
}

struct reading meter_read(const struct meter *m)
{
    struct reading r = {0};
    for (size_t i = 0; i < m->count; i++) {
        clockid_t clock;
        if (clock_getcpuclockid(m->pids[i], &clock) == 0)
            r.cpu += seconds_of(clock);
        r.delay += delay_of(m->pids[i]);
        r.sleeps += sleeps_of(m->pids[i]);
    }
    r.delay += delay_of(getpid());
    r.own = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    r.time = seconds_of(CLOCK_MONOTONIC);
    return r;
}

struct reading meter_difference(struct reading from, struct reading to)
{
    return (struct reading){to.time - from.time, to.cpu - from.cpu, to.own - from.own,
                            to.delay - from.delay, to.sleeps - from.sleeps};
}
