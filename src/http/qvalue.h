// Lists of what a client wants, with weights: "br, gzip;q=0.5" (RFC 9110 section 12.4.2).
//
// Pure. The caller knows what the values mean and which of them win.
#pragma once

#include "base/slice.h"

#define QVALUE_MAX 1000

struct qvalue_member {
    struct slice value;  // what stands before the first ';'; not empty
    bool has_parameters; // others than q
    unsigned weight;     // q times 1000, 0 to QVALUE_MAX; without q QVALUE_MAX
};

// Cuts the next member off a list, skipping empty and malformed ones; false: there are no more. A
// comma or semicolon within a quoted string separates nothing. The value is not looked at.
bool qvalue_next(struct slice *list, struct qvalue_member *ret);
