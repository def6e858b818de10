// Looks after the workers of a generation while they serve: ends one that hangs, and replaces those
// that have served long enough, one at a time. Master only.
//
// A successor is started in the place that is free; when it is ready the old worker hands its
// connections over, as in a reload, and ends. Policy is in daemon/watchdog.h and
// daemon/supervise.h.
#pragma once

#include "daemon/generation.h"

// Does what is due.
void upkeep_do_due(struct generation *g, int64_t now);

// When something is due next; -1: nothing is.
int64_t upkeep_next(const struct generation *g);

// Whether any worker serves, as far as the beats of its loops tell.
bool upkeep_is_healthy(const struct generation *g);

// The worker said that it is ready; its process has ended. After the functions of the same names in
// daemon/generation.h.
void upkeep_worker_ready(struct generation *g, unsigned worker, int64_t now);
void upkeep_worker_ended(struct generation *g, unsigned worker);
