// Cross-origin resource sharing: which scripts of other origins may read answers (the Fetch
// standard, section 3.2).
//
// Pure. Only GET and HEAD are shared; neither needs to be named in Access-Control-Allow-Methods,
// but a preflight is answered with both.
#pragma once

#include "base/buf.h"
#include "http/request.h"

#include <stdint.h>

struct cors {
    // Serialised, "https://app.example.org", or with any port, "http://localhost:*"; with `any` of
    // no matter.
    const struct slice *origins;
    size_t origin_count;
    bool any;             // "*"
    bool credentials;     // only without `any`
    struct slice headers; // a list that requests may carry; empty: none
    struct slice expose;  // a list that scripts may read; empty: none
    uint64_t max_age;     // seconds; 0: not said
};

// Lists of what every rule allows: fields of requests for ranges, with their conditions, and fields
// of answers that a script needs for them and that the standard does not let it read anyway.
#define CORS_HEADERS \
    "Range, If-Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since"
#define CORS_EXPOSE "Accept-Ranges, Content-Encoding, Content-Range, ETag"

// Whether `r` is a preflight: OPTIONS with Origin and Access-Control-Request-Method.
// Public for tests.
bool cors_is_preflight(const struct request *r);

// Appends the field lines of the answer to `r`, a preflight or not. An origin that is not allowed
// gets none but Vary's. Whether the answer depends on the origin (then Vary says so, also on
// answers to requests without one) is cors_varies().
void cors_put(struct buf *b, const struct cors *cors, const struct request *r);
bool cors_varies(const struct cors *cors);
