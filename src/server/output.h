// Sends the bytes of a connection: the answers gathered in this turn, then the content of one file.
//
// Small answers are gathered in the loop's buffer and sent with one call. Bytes that the socket
// does not take are put aside in a block of the connection's, at most OUTPUT_GATHER of them;
// content is never copied for that: it is kept by reference and offset.
#pragma once

#include "server/context.h"

enum output_state {
    OUTPUT_DONE, // all is sent
    OUTPUT_WAIT, // the socket is full, or this turn's budget is used up: go on when it is writable;
                 // or, if the connection has a reading now, when that is done
    OUTPUT_FAILED, // the connection is of no use any more: *ret_reason
};

// The most bytes that a connection sends in one turn, so that a fast client cannot hold the loop.
#define OUTPUT_BUDGET (256u << 10)

// Where the next answer goes: a buffer over the rest of the loop's; hand back with output_commit().
struct buf output_begin(struct output *o);
void output_commit(struct output *o, const struct buf *b);

// Whether there is room for another answer without sending first.
bool output_has_room(const struct output *o);

// The time in which content is made in a round of the loop, for all connections together. A part is
// begun when it fits if it takes as long as the one before, of whichever connection; and one in any
// case.
#define OUTPUT_MAKING_US 1000

// Sends what there is, as far as the budget allows. Content is made while the round has time for
// it; who had no turn for want of time has one before the others have their next.
enum output_state output_flush(struct context *ctx, struct conn *c, enum conn_close *ret_reason);
