// A name that is not there, and another in its directory that was perhaps meant: in other case, in
// another form of Unicode, or a compressed sibling whose original is missing.
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "sys/rootfs.h"

// How a name differs from the one that is missing.
enum explain_hint {
    EXPLAIN_HINT_NONE, // it is another one
    EXPLAIN_HINT_CASE,
    EXPLAIN_HINT_FORM,   // composed letters here, letters and marks there
    EXPLAIN_HINT_SIBLING // of the missing one, compressed
};

// For tests. Pure.
enum explain_hint explain_hint_compare(struct slice missing, struct slice there);

// Says which names in the directory `parent` ("." for the root) were perhaps meant, if any.
void explain_hint_put(struct buf *b, const struct rootfs *root, const char *parent,
                      struct slice missing);
