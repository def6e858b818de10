// Names of sites: matching the host of a request against the names that a site has.
#pragma once

#include "base/slice.h"

enum hostname_match { HOST_NO_MATCH, HOST_SUFFIX, HOST_EXACT };

// Compares without case; one trailing dot of `host` does not count. `pattern` is an exact name,
// "*.suffix" (one or more labels before the suffix, never the suffix itself), or an address.
enum hostname_match hostname_compare(struct slice pattern, struct slice host);

// NULL when `pattern` can be a site's name, else what is wrong with it (static text).
const char *hostname_check(struct slice pattern);
