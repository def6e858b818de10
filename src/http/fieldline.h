// Header fields that the configuration sets, adds or takes away: "X-Robots-Tag: noindex".
//
// Pure.
#pragma once

#include "base/slice.h"

// NULL when the line "Name: value" can be set or added, or the field of this name unset; else what
// is wrong and what would be right (static text). Refused are fields that tined makes itself,
// because they tell how the answer is framed or what it holds.
const char *fieldline_check_set(struct slice line);
const char *fieldline_check_add(struct slice line);
const char *fieldline_check_unset(struct slice name);

// Takes a line apart: the name (before the colon, which may not be missing), the value without the
// blanks around it.
void fieldline_split(struct slice line, struct slice *ret_name, struct slice *ret_value);
