// Signals as events: blocked for the process and read from a descriptor (signalfd(2)).
//
// Signals that are delivered only inside epoll_pwait starve under load, so the descriptor stands
// in the poller like any other. SIGPIPE is ignored,
// SIGCHLD is not.
#pragma once

// Blocks every signal that can be blocked except those of a fault in the program itself and those
// of job control, and returns a descriptor (non-blocking, close-on-exec) from which those in
// `wanted` (ends with 0) can be read; or a negative errno. Others stay blocked and are never seen.
int signals_open(const int *wanted);

// The next signal's number, 0 when there is none.
int signals_next(int fd);
