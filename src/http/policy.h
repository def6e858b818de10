// Directives of a Content-Security-Policy (CSP Level 3, section 2.2).
//
// Pure.
#pragma once

#include "base/buf.h"

#define POLICY_FIELD SLICE("Content-Security-Policy")

// The directive of this name with its values, "frame-ancestors 'self'"; ptr NULL: there is none.
struct slice policy_directive(struct slice policy, struct slice name);

// Appends the names of the directives that `before` has and `after` does not: "object-src,
// base-uri".
void policy_put_lost(struct buf *b, struct slice before, struct slice after);
