// Header fields that the configuration sets, adds or takes away: "X-Robots-Tag: noindex".
//
// Pure.
#pragma once

#include "base/slice.h"

enum fieldline_action { FIELDLINE_SET, FIELDLINE_ADD, FIELDLINE_UNSET };

// NULL when the action can be done with `text`, a line "Name: value", or to unset a name; else what
// is wrong and what would be right (static text). Fields that tined makes itself, because they tell
// how the answer is framed or what it holds, are left to it.
const char *fieldline_check(enum fieldline_action action, struct slice text);

// Takes a line apart: the name (before the colon, which may not be missing), the value without the
// blanks around it.
void fieldline_split(struct slice line, struct slice *ret_name, struct slice *ret_value);
