// Signals as events: blocked for the process and read from a descriptor (signalfd(2)).
//
// Signals that are delivered only inside epoll_pwait starve under load, so the descriptor stands
// in the poller like any other. SIGPIPE is ignored,
// SIGCHLD is not.
#pragma once

#include <stdbool.h>

// Blocks every signal that can be blocked except those of a fault in the program itself and those
// of job control, and returns a descriptor (non-blocking, close-on-exec) from which those in
// `wanted` (ends with 0) can be read, also if they were ignored; or a negative errno. Others stay
// blocked, are never seen, and are ignored if they were.
int signals_open(const int *wanted);

// The next signal's number, 0 when there is none.
int signals_next(int fd);

// Whether this process ignores the signal. One that nohup(1) or a shell without job control has
// started begins so.
bool signals_is_ignored(int number);

// Gives each signal that is ignored, but SIGPIPE, its default action: for a child, which inherits
// what its parent ignores.
void signals_reset(void);
