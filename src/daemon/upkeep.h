// Looks after the workers of a generation while they serve: ends one that hangs, and replaces those
// that have served long enough, one at a time. Master only.
//
// A successor is started in the place that is free; when it is ready the old worker hands its
// connections over, as in a reload, and ends. Policy is in daemon/watchdog.h and
// daemon/supervise.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct generation;
struct worker_process;

// Looks after the workers of a generation from now on, until it is freed. Not for those of another
// image.
void upkeep_begin(struct generation *g);

// Whether any worker serves, as far as the beats of its loops tell.
bool upkeep_is_healthy(const struct generation *g);

// The worker said that it is ready, and that was told to generation_worker_ready(); its process has
// ended.
void upkeep_worker_ready(struct worker_process *w, int64_t now);
void upkeep_worker_ended(struct worker_process *w);
