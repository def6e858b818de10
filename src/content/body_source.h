// Content that is made while it is sent, piece by piece: several ranges of a file, a listing.
//
// Each piece is some text, and after it, if the content is that of a file, a range of it. The next
// one is asked for when all before it is sent, so that what waits is never more than one piece.
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct range;

enum body_source_state {
    BODY_SOURCE_MORE,  // the next one may follow in this turn
    BODY_SOURCE_YIELD, // it was work: let others have their turn first
    BODY_SOURCE_LOAD,  // the range is not to be sent but to be in memory when the next one is made,
                       // if that can be had; there is no text
    BODY_SOURCE_END,   // this was the last
    BODY_SOURCE_FAILED // there cannot be another: the connection is closed
};

struct body_source {
    // Appends the piece's text to `b`, at most BODY_SOURCE_TEXT_MAX bytes, and sets the range of
    // the file that follows it; the caller has made it empty.
    enum body_source_state (*next)(struct body_source *source, struct range *range, struct buf *b);
    void (*free)(struct body_source *source);
    bool ended; // the caller's: the last piece was taken
};

// A buffer given to next() has this room.
#define BODY_SOURCE_TEXT_MAX (32u << 10)
