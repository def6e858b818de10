// The checks of a configuration across its options: what is right by itself and wrong together.
// Private to src/conf.
#pragma once

#include "conf/conf_build.h"

// Reports all that it finds at the place where the option or entry is written. Entries that lack
// something are left alone when anything was reported before: what could not be read may be it.
void conf_crosscheck(struct conf_build *b);
