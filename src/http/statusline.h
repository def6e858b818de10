// The status line of an answer, as a client receives it (RFC 9112 section 4).
//
// Pure. Only the final one counts: interim answers (1xx) before it are passed over, for a client
// gets them without having asked (RFC 9110 section 15.2).
#pragma once

#include "base/slice.h"

enum statusline_outcome {
    STATUSLINE_PARTIAL, // so far it can become one
    STATUSLINE_FOUND,
    STATUSLINE_MALFORMED // no answer of HTTP/1
};

struct statusline {
    struct slice line; // without its line end; no control byte but tabs in it
    int status;        // 200 to 599
};

// `received` is all that came, from its first byte. Sets *ret when it is found; it points into
// `received`.
enum statusline_outcome statusline_find(struct slice received, struct statusline *ret);
