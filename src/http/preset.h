// Sets of header fields that are built in and that a rule asks for by name: "security".
//
// Constant data.
#pragma once

#include "base/slice.h"

struct preset_field {
    const char *preset; // the set that it belongs to
    bool only_https;    // sent where the scheme is https
    const char *name;
    const char *value;
    const char *why; // one sentence, for the manual
};

// All fields of all sets, those of a set next to each other.
const struct preset_field *preset_fields(size_t *ret_count);

// NULL when there is a set of this name, else which there are (static text).
const char *preset_check(struct slice name);
