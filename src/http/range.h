// The Range field: which bytes of a file are asked for (RFC 9110 section 14).
#pragma once

#include "base/slice.h"

#include <stdint.h>

struct range {
    uint64_t offset;
    uint64_t length; // at least 1; offset + length is at most the size
};

enum range_result {
    RANGE_IGNORED,       // another unit, malformed, or the suffix of an empty file
    RANGE_TOO_MANY,      // ignored as well: more ranges than there is room for
    RANGE_SATISFIABLE,   // *count ranges, at least one
    RANGE_UNSATISFIABLE, // well-formed, but none of them lies in the file
};

// Reads a Range value against a file of `size` bytes. *count is the room in `ranges` before, the
// number of satisfiable ones after; they stand in the order of the request. Only
// RANGE_SATISFIABLE changes *count. A number beyond 64 bits counts as the largest one.
enum range_result range_parse(struct slice value, uint64_t size, struct range *ranges,
                              size_t *count);

// Bytes that a part of several costs besides its content, about. A smaller gap is sent instead.
#define RANGE_PART_COST 128

// Joins ranges that overlap, touch, or have less than RANGE_PART_COST bytes between them (section
// 15.3.7.2). They stand where the first of them stood. Returns how many are left; no two overlap.
size_t range_coalesce(struct range *ranges, size_t count);
