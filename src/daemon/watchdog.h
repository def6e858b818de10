// Tells whether an event loop stands still, by its beat. No clock, no signal: looks are the
// caller's, a second or so apart.
//
// Only time in which a look could have seen the loop move counts. Of a longer pause between two
// looks a part counts: the master was kept from looking, and so perhaps was the loop from moving
// (a stopped terminal job, a machine without a processor to spare).
#pragma once

#include <stdint.h>

#define WATCHDOG_PERIOD 1000 // ms between looks
#define WATCHDOG_GAP    2000 // ms, the most that counts between two

// Of one loop. All zero: it has not moved yet.
struct watchdog {
    uint64_t beat; // at the last look
    int64_t still; // for how long it has not changed, ms
};

// Looks at a loop, `passed` ms after the last look. Returns for how long it has stood still.
int64_t watchdog_look(struct watchdog *w, uint64_t beat, int64_t passed);
