// The access log of one event loop: lines in the combined format, collected and written in
// batches of whole lines.
//
// To a file at most 64K at once, about a second late; to a pipe, a terminal or a socket at most
// 4096 bytes at once (so that lines of several writers do not mix), at the end of each round. A
// sink that is full or gone loses lines, which are counted; it never stalls the loop. What comes
// from a client is escaped: control bytes, '"', '\' and bytes beyond ASCII as \xHH.
#pragma once

#include "base/buf.h"

#include <stdint.h>

// What a line tells of one answer.
struct access_record {
    struct slice client;  // address as text
    int64_t wall_s;       // when
    struct slice request; // the request line; empty: shown as "-"
    struct slice referer;
    struct slice agent;
};

// The parts of a line before and after status and size, for an answer that takes a while.
#define ACCESSLOG_PART_MAX 3072

struct accesslog {
    int fd;      // -1: off. Not owned: the loops of a process share it
    bool stream; // a pipe, a terminal or a socket
    bool torn;   // the last line written is not whole
    char *data;  // ACCESSLOG_BUFFER bytes, or NULL when off
    size_t len;
    int64_t oldest; // clock's now of the first line in data
    uint64_t dropped;
    int64_t stamp_second; // what `stamp` shows
    char stamp[32];
};

// Looks at what `fd` is. 0 or -ENOMEM. fd -1: the log is off, and all functions do nothing.
int accesslog_init(struct accesslog *l, int fd);
void accesslog_cleanup(struct accesslog *l);

// Adds the line of an answer that is complete. `now` is the clock's.
void accesslog_add(struct accesslog *l, const struct access_record *r, int status, uint64_t bytes,
                   int64_t now);

// The same in two steps: formats what is known at the start into `b` (room for ACCESSLOG_PART_MAX)
// and returns where status and size belong; later adds the line.
size_t accesslog_hold(struct accesslog *l, const struct access_record *r, struct buf *b);
void accesslog_add_held(struct accesslog *l, struct slice held, size_t split, int status,
                        uint64_t bytes, int64_t now);

// Writes what is due; with `all`, all that there is. Call at the end of each round.
void accesslog_flush(struct accesslog *l, int64_t now, bool all);

// When accesslog_flush() wants to be called next, or -1.
int64_t accesslog_next(const struct accesslog *l);

// Opens what log.access names: "off" gives -1 in *ret_fd, "stdout", "journal", or a file (0640,
// appended to).
// Used by the master, which owns the descriptor. 0 or a negative errno.
int accesslog_open(const char *name, int *ret_fd);

// Whether accesslog_open() would succeed, without making the file. 0 or a negative errno.
int accesslog_check(const char *name);
