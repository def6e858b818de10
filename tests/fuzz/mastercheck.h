// Invariants of a master in the world of masterworld.h, beside those that are checked as it acts.
#pragma once

// Fails unless each place that wants a worker has one, or a time when it gets one; every descriptor
// and every process is somebody's; and whoever waits, waits for something that is under way.
void mastercheck_all(void);
