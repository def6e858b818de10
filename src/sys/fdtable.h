// The table of descriptors of a process, or of threads that have one of their own.
#pragma once

#include <stddef.h>

// Closes all from `from` on but those in `keep`, which is sorted here.
void fdtable_close_others(unsigned from, int *keep, size_t count);

// Gives the calling thread, and those that it starts from then on, a table of its own: a copy,
// which it shares with nobody else. 0 or a negative errno; all is as before then.
int fdtable_leave(void);
