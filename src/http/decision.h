// What to answer to a request for a file: status and which bytes of it (RFC 9110 sections 13, 14).
//
// Pure: the request and facts about the file in, a decision out. `explain` runs the same code.
#pragma once

#include "http/request.h"

#include <stdint.h>

// Facts about the selected representation.
struct representation {
    uint64_t size;
    struct slice etag; // with its quotes, and W/ when weak; empty: it has none
    int64_t mtime;     // Last-Modified in seconds; negative: it has none
};

struct decision {
    int status;      // 200, 206, 304, 412 or 416
    uint64_t offset; // of the content in the file
    uint64_t length; // of the content; also what Content-Length says to a HEAD. 0 for 304, 412, 416
};

// Decides a GET or HEAD in the order of RFC 9110 section 13.2.2. Range is heeded for GET only, and
// for one range; several are answered with the whole file. `now` (seconds) places two-digit years.
void decision_make(const struct request *r, const struct representation *rep, int64_t now,
                   struct decision *ret);
