// Content that is made while it is sent, piece by piece: several ranges of a file, a listing.
//
// Each piece is some text, and after it, if the connection has a file, a range of that. The next
// one is asked for when all before it is sent, so that what waits is never more than one piece.
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct conn;

enum pieces_state {
    PIECES_MORE,  // the next one may follow in this turn
    PIECES_YIELD, // it was work: let others have their turn first
    PIECES_END,   // this was the last
    PIECES_FAILED // there cannot be another: the connection is closed
};

struct pieces {
    // Appends the piece's text to `b`, at most PIECES_TEXT_MAX bytes, and sets the connection's
    // range (offset, end).
    enum pieces_state (*next)(struct pieces *p, struct conn *c, struct buf *b);
    void (*free)(struct pieces *p);
    bool ended; // the caller's: the last piece was taken
};

// A buffer given to next() has this room.
#define PIECES_TEXT_MAX (32u << 10)
