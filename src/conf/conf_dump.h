// The effective configuration as text: a libconfig file that gives the same configuration again,
// with a comment on each line that says where the value came from. Of rules only what they mention.
#pragma once

#include "conf/conf.h"

#include <stdio.h>

// Writes all options of `c`, includes resolved, in the order of the option table. Returns 0,
// -ENOMEM, or -EIO when `out` cannot be written.
int conf_dump(FILE *out, const struct conf *c);
