// Copies of a parser's input that end where readable memory ends, so that reading one byte too far
// is a fault and not a pass.
#pragma once

#include "base/slice.h"

#define GUARDED_SIZE  (64 * 1024) // at most so long
#define GUARDED_AREAS 4

// A copy of `s` with an inaccessible page behind it. The last GUARDED_AREAS copies are valid at a
// time.
struct slice guarded(struct slice s);
struct slice guarded_text(const char *text);
