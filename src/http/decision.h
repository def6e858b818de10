// Decides the answer to a request for a file: status and which bytes of it (RFC 9110 sections 13,
// 14).
//
// Pure: the request and facts about the file in, a decision out. `explain` runs the same code.
#pragma once

#include "http/precond.h"
#include "http/range.h"
#include "http/request.h"

#include <stdint.h>

// The most ranges of one request that can be served.
#define DECISION_MAX_RANGES 256

// The outcome of Range.
enum decision_range {
    DECISION_RANGE_NONE,     // there is none, or it does not count here
    DECISION_RANGE_SERVED,   // 206 or 416
    DECISION_RANGE_IGNORED,  // it is no list of byte ranges
    DECISION_RANGE_TOO_MANY, // more than representation.max_ranges
    DECISION_RANGE_OUTDATED, // by If-Range, the client has another state of the file
    DECISION_RANGE_COSTLY,   // parts would not be smaller than the whole file
};

struct decision {
    int status;       // 200, 206, 304, 412 or 416
    enum field_id by; // the field that made it so. With 200 FIELD_OTHER, or FIELD_IF_MODIFIED_SINCE
                      // where that has the answer go without Last-Modified (http/precond.h)
    enum decision_range range;
    // The parts of the content. One range for 200, which is the whole file (of length 0 when
    // that is empty) and what Content-Length says to a HEAD; one or more for 206, that do not
    // overlap, in the order of the request; for the others none, and ranges[0] is all zero. The
    // rest of the room is left as it was.
    size_t range_count;
    struct range ranges[DECISION_MAX_RANGES];
};

// Decides a GET or HEAD in the order of RFC 9110 section 13.2.2. Range is heeded for GET only.
// Ranges near each other are joined, and where parts would not be smaller than the whole file that
// is sent. `now` (seconds) places two-digit years.
void decision_make(const struct request *r, const struct representation *rep, int64_t now,
                   struct decision *ret);

// Has the whole file sent after all, since several ranges cost more than that.
void decision_send_whole(struct decision *d, uint64_t size);
