// What leaves a connection: the answers gathered in this turn, then the content of one file.
//
// Small answers are gathered in the loop's buffer and sent with one call. What the socket does not
// take is put aside in a block of the connection's, at most LOOP_GATHER bytes; content is never
// copied for that: it is kept by reference and offset.
#pragma once

#include "server/loop.h"

enum output_state {
    OUTPUT_DONE, // all is sent
    OUTPUT_WAIT, // the socket is full, or this turn's budget is used up: go on when it is writable;
                 // or, if the connection has a reading now, when that is done
    OUTPUT_FAILED, // the connection is of no use any more: *ret_reason
};

// The most bytes that a connection sends in one turn, so that a fast client cannot hold the loop.
#define OUTPUT_BUDGET (256u << 10)

// So far ahead of a download it is seen whether the content is in memory, and what is not is read.
// Looking is a system call.
#define OUTPUT_LOOK_AHEAD (1u << 20)

// Where the next answer goes: a buffer over the rest of the loop's; hand back with output_commit().
struct buf output_begin(struct loop *l);
void output_commit(struct loop *l, const struct buf *b);

// Whether there is room for another answer without sending first.
bool output_has_room(const struct loop *l);

// Sends what there is, as far as l->budget allows.
enum output_state output_flush(struct loop *l, struct conn *c, enum conn_close *ret_reason);
