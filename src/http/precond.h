// Preconditions of a GET or HEAD (RFC 9110 section 13).
//
// A representation that has no ETag, or no modification date, matches nothing that names one.
#pragma once

#include "http/request.h"

#include <stdint.h>

// Facts about the selected representation.
struct representation {
    uint64_t size;
    struct slice etag;   // with its quotes, and W/ when weak; empty: it has none
    int64_t mtime;       // Last-Modified in seconds; negative: it has none
    int64_t changed;     // when the file was changed last in any way, in seconds
    bool is_young;       // it may change again within that second: it matches no date
    uint32_t max_ranges; // of one request that are served; 0: none
};

// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of
// section 13.2.2. A date that is later than Last-Modified is of the client's own clock: it counts
// only when the file was not changed since, and the date itself is not to come. Returns 0 when the
// request is to be performed, else 304 or 412, and in *ret_by the field that decided it. With 0
// that is left alone, but for FIELD_IF_MODIFIED_SINCE: its date is later than Last-Modified and did
// not count. A client that compares them would take the answer for older than its copy, and leave
// it. `now` (seconds) places two-digit years, too.
int precond_check(const struct request *r, const struct representation *rep, int64_t now,
                  enum field_id *ret_by);

// Whether Range is to be heeded as far as If-Range goes (section 13.1.5): true without If-Range.
bool precond_allows_range(const struct request *r, const struct representation *rep, int64_t now);

// The same, where a date in If-Range does not count.
bool precond_allows_range_by_tag(const struct request *r, const struct representation *rep);
