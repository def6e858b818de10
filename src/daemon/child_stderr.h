// The stderr of a child: a pipe of its own to the master, which marks its lines as the child's
// (daemon/stderr_lines.h) and logs them. So a child that was taken over has no descriptor of the
// master's stderr, be it the journal, a file or a terminal, nor of its stdin and stdout.
//
// Neither side ever waits for the other. The child's end does not block: a write that finds the
// pipe full fails with EAGAIN, and with EPIPE when the master is gone (SIGPIPE is ignored in
// children). The master reads CHILD_STDERR_TURN bytes in an iteration and CHILD_STDERR_RATE in a
// second, then lets the pipe fill. Once a second at most it says how many lines it has dropped;
// those that found no room in the pipe are known to the child alone.
#pragma once

#include "daemon/stderr_lines.h"
#include "daemon/watch.h"

// A pipe holds 64K (pipe(7)): the reports of sanitizers fit.
#define CHILD_STDERR_TURN 16384u
#define CHILD_STDERR_RATE (16 * CHILD_STDERR_TURN)

// The child in its lines: "worker 1 of generation 7 (pid 1234)".
#define CHILD_STDERR_NAME_MAX 64

// The master's side. All zero: of a child that has none.
struct child_stderr {
    struct watches *watches;
    struct watch watch;
    struct timer tick; // while there is more to say, or to read
    struct stderr_lines lines;
    struct event_fields fields;
    char name[CHILD_STDERR_NAME_MAX];
    int fd;      // nothing unless watches is set
    size_t read; // bytes since the last tick
};

// Makes the pipe: ret_ends[0] is the master's end, ret_ends[1] the child's. 0 or a negative errno.
int child_stderr_open(int ret_ends[static 2]);

// In the child: `end` becomes its stdin (from which nothing can be read), stdout and stderr, and
// its log goes there.
void child_stderr_enter(int end);

// Logs what comes from the master's end, and takes that over; `fields` are those of its lines. 0 or
// a negative errno: then the end is the caller's as before.
int child_stderr_watch(struct child_stderr *s, struct watches *ws, int end, const char *name,
                       const struct event_fields *fields);

// The child has ended, or is left: logs what it has written last, and closes the end. Harmless when
// there is none.
void child_stderr_finish(struct child_stderr *s);

// The master's end, for another image of the program; 0: none. Of a line that has begun the other
// image gets the rest.
int child_stderr_end(const struct child_stderr *s);
