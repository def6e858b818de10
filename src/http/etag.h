// Entity tags: reading lists of them and comparing (RFC 9110 section 8.8.3).
#pragma once

#include "base/slice.h"

struct etag {
    struct slice opaque; // with its quotes
    bool weak;
};

// Reads the one entity tag that `s` is; false: it is something else.
bool etag_parse(struct slice s, struct etag *ret);

// Cuts the next entity tag off a list (section 5.6.1.2: empty members do not count); false: the
// list ends, or goes on with something that is no entity tag.
bool etag_next(struct slice *list, struct etag *ret);

// The comparisons of section 8.8.3.2: strong needs both to be strong.
bool etag_equal_strong(struct etag a, struct etag b);
bool etag_equal_weak(struct etag a, struct etag b);
