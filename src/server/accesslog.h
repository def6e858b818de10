// The access log of one event loop: lines in the combined format, collected and written in
// batches of whole lines.
//
// To a file at most 64K at once, about a second late; to a pipe, a terminal or a socket at most
// 4096 bytes at once (so that lines of several writers do not mix), at the end of each round. A
// sink that is full or gone loses lines, which are counted; it never stalls the loop. Text
// of a client is escaped, and cut where it is long (a request line within its target): control
// bytes, '"', '\' and bytes beyond ASCII as \xHH.
#pragma once

#include "server/access_record.h"
#include "sys/privs.h"

#include <stdint.h>

struct accesslog {
    int fd;      // -1: off. Not owned: the loops of a process share it
    bool stream; // a pipe, a terminal or a socket
    bool torn;   // the last line written is not whole
    char *data;  // the lines that wait, or NULL when off
    size_t len;
    int64_t oldest; // clock's now of the first line in data
    uint64_t dropped;
    int error;            // errno of the last lines that were dropped; 0: none
    bool is_losing;       // nothing has been written since
    int64_t stamp_second; // what `stamp` shows
    char stamp[32];
};

// Looks at what `fd` is. 0 or -ENOMEM. fd -1: the log is off, and all functions do nothing.
int accesslog_init(struct accesslog *l, int fd);
void accesslog_cleanup(struct accesslog *l);

// Adds the line of an answer that is complete. `now` is the clock's.
void accesslog_add(struct accesslog *l, const struct access_record *r, int64_t now);

// Writes what is due; with `all`, all that there is. Call at the end of each round.
void accesslog_flush(struct accesslog *l, int64_t now, bool all);

// When accesslog_flush() wants to be called next, or -1.
int64_t accesslog_next(const struct accesslog *l);

// Whether log.access names a file, not a stream or nothing.
bool accesslog_is_file(const char *name);

// Opens what log.access names: "off" gives -1 in *ret_fd, "stdout" (also "/dev/stdout", and
// "/dev/stderr"), "journal", or a file of the workers' `user` (sys/logfile.h), which nothing else
// needs. For the master, which owns the descriptor, and processes that it asks. 0 or a negative
// errno.
int accesslog_open(const char *name, const struct privs *user, int *ret_fd);

// Whether accesslog_open() would succeed, without making the file. 0 or a negative errno.
int accesslog_check(const char *name, const struct privs *user);
