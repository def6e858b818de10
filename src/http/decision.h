// What to answer to a request for a file: status and which bytes of it (RFC 9110 sections 13, 14).
//
// Pure: the request and facts about the file in, a decision out. `explain` runs the same code.
#pragma once

#include "http/range.h"
#include "http/request.h"

#include <stdint.h>

// Facts about the selected representation.
struct representation {
    uint64_t size;
    struct slice etag; // with its quotes, and W/ when weak; empty: it has none
    int64_t mtime;     // Last-Modified in seconds; negative: it has none
};

// The most ranges of one request; with more of them Range is ignored.
#define DECISION_MAX_RANGES 16

struct decision {
    int status; // 200, 206, 304, 412 or 416
    // What the content is made of. One range for 200, which is the whole file (of length 0 when
    // that is empty) and what Content-Length says to a HEAD; one or more for 206, that do not
    // overlap, in the order of the request; for the others none, and ranges[0] is all zero.
    size_t range_count;
    struct range ranges[DECISION_MAX_RANGES];
};

// Decides a GET or HEAD in the order of RFC 9110 section 13.2.2. Range is heeded for GET only.
// Ranges near each other are joined, and where parts would not be smaller than the whole file that
// is sent. `now` (seconds) places two-digit years.
void decision_make(const struct request *r, const struct representation *rep, int64_t now,
                   struct decision *ret);
