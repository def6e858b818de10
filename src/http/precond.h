// Preconditions of a GET or HEAD (RFC 9110 section 13).
//
// A representation that has no ETag, or no modification date, matches nothing that names one.
#pragma once

#include "http/request.h"

#include <stdint.h>

struct representation;

// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in the order of
// section 13.2.2. Returns 0 when the request is to be performed, else 304 or 412. `now` (seconds)
// places two-digit years.
int precond_check(const struct request *r, const struct representation *rep, int64_t now);

// Whether Range is to be heeded as far as If-Range goes (section 13.1.5): true without If-Range.
bool precond_allows_range(const struct request *r, const struct representation *rep, int64_t now);
