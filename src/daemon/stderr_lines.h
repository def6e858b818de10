// Lines that a child writes to its stderr, as its master logs them: a child that was taken over
// must not forge lines, rewrite a terminal, or flood the log. Bytes in, lines out: no clock, no
// log; times are ms of one monotonic clock.
//
// A line ends at a newline, and is cut at STDERR_LINES_MAX bytes. Bytes that are no UTF-8, control
// characters, and those that turn or break a line where it is shown, are escaped ("\x1b"). A line
// may say how urgent it is by the "<N>" of sd-daemon(3) before it, from 3 (error) to 7 (debug), and
// nothing else about itself; all others are warnings, as the last words of the C library or of a
// sanitizer. Empty lines are passed over. STDERR_LINES_BURST lines may come at once, which is room
// for the report of a sanitizer, and STDERR_LINES_RATE in each second; others are dropped, and
// counted.
#pragma once

#include "base/log.h"
#include "base/slice.h"

#define STDERR_LINES_MAX   1000u
#define STDERR_LINES_BURST 256u
#define STDERR_LINES_RATE  32u

struct stderr_lines {
    char begun[STDERR_LINES_MAX]; // of the line that has not ended
    size_t len;
    bool is_cut;     // the rest of it is passed over
    unsigned credit; // lines that may come at once
    int64_t at;      // when that was so
    uint64_t dropped;
};

struct stderr_line {
    enum log_level level;
    char text[STDERR_LINES_MAX + sizeof("…")];
};

// Of a child that has written nothing yet.
void stderr_lines_init(struct stderr_lines *s, int64_t now);

// Takes the next line out of what was read at `now`, with what was read before it. False: there is
// no whole line in it, and all of it is kept.
bool stderr_lines_next(struct stderr_lines *s, struct slice *bytes, int64_t now,
                       struct stderr_line *ret);

// The child has ended: what it writes last may come at once, however much it has written before.
void stderr_lines_grant(struct stderr_lines *s);

// Nothing follows: takes the line that has begun, if there is one.
bool stderr_lines_end(struct stderr_lines *s, int64_t now, struct stderr_line *ret);

// How many were dropped since it was asked last.
uint64_t stderr_lines_take_dropped(struct stderr_lines *s);
