// The sources of a configuration, and the reports about what is wrong in them.
#pragma once

#include <stddef.h>

// One option from the command line, e.g. {"timeouts.idle", "30s", "-o"}.
struct conf_override {
    const char *option; // path in the table, or a list: "listen" takes an address, "sites" a root;
                        // the first use of a list replaces the file's, further ones append
    const char *value;
    const char *from; // "-o", "-l", … for messages
};

struct conf_source {
    const char *file; // NULL: defaults and overrides only
    const char *text; // if not NULL, this stands in for the content of `file` (tests, fuzzing)
    const struct conf_override *overrides;
    size_t override_count;
};

// Receives each error: where it is ("/etc/tined/tined.conf:12", "-o", …) and what, with the remedy.
typedef void conf_report_cb(void *context, const char *where, const char *message);
