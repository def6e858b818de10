// A clock for what works in turns (content/dirlist.h): each look at it takes 10 us, so that a turn
// is 100 steps on any machine, however busy (linked with $(wrap_turns)).
#pragma once

#include <stdint.h>

int64_t __wrap_clock_now_us(void);
