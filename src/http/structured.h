// Structured fields: dictionaries (RFC 8941 section 3.2), of which the integers are of interest.
#pragma once

#include "http/request.h"

#include <stdint.h>

// The integer that stands behind `key` in the dictionary that the fields named `id` are; the last
// one, when there are several. False, *ret left alone: there is none, or a field is malformed, for
// then nothing in it counts (section 4.2).
bool structured_integer(const struct request *r, enum field_id id, struct slice key, int64_t *ret);
