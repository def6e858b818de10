// One value of an option: checking what was written, storing it, writing it again.
//
// A struct conf_raw is what a file or the command line gave, before the option's row has had its
// say. Knows nothing of libconfig. No I/O but in conf_value_print(), which writes to the FILE.
#pragma once

#include "conf/conf_options.h"

#include <stdio.h>

enum conf_raw_kind {
    RAW_TEXT, // from the command line: the option's type says how to read it
    RAW_NUMBER,
    RAW_BOOL,
    RAW_STRING,
    RAW_STRINGS, // a list that holds strings only
    RAW_OTHER    // what no option takes, e.g. a group
};

struct conf_raw {
    enum conf_raw_kind kind;
    int64_t number;           // RAW_NUMBER, RAW_BOOL
    const char *text;         // RAW_TEXT, RAW_STRING; of RAW_OTHER what it is ("a group")
    const char *const *items; // RAW_STRINGS
    size_t count;             // RAW_STRINGS
};

#define CONF_MESSAGE_MAX 1024

// Checks `raw` by the row of `option` and stores it at `target`, the option's member, freeing what
// was there. Returns 0; -EINVAL, with what is wrong and what would be right in `message`, which
// names the option; or -ENOMEM. On failure the target is left alone. Relative paths begin at
// `directory`, which is absolute.
int conf_value_set(const struct conf_option *option, void *target, const struct conf_raw *raw,
                   const char *directory, char message[static CONF_MESSAGE_MAX]);

// Stores the row's default, unchecked. 0 or -ENOMEM. Options without one become empty.
int conf_value_set_default(const struct conf_option *option, void *target);

// Frees what the option's member owns and leaves it empty.
void conf_value_clear(const struct conf_option *option, void *target);

// Writes the value as libconfig reads it: 30, true, "30s", [ "a", "b" ].
void conf_value_print(FILE *out, const struct conf_option *option, const void *target);
