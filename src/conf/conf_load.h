// Loading the configuration: defaults, then the file with its includes (libconfig), then the
// command line. Every name is looked up in the option table; an unknown name, a wrong type and a
// value out of range are errors with file, line and remedy (the nearest valid name).
//
// All errors of one load are reported, except that libconfig stops at the first syntax error or
// duplicate name of a file. Reads files; opens no socket and no root. Runs in the master and in
// commands.
#pragma once

#include "conf/conf.h"
#include "conf/conf_options.h"

// Checks a value that this layer cannot understand (an address, a site's name). Returns NULL when
// it is good, else what is wrong, as text that stays valid until the next call.
typedef const char *conf_check_cb(const char *value);

// Supplied by the layers that own these kinds of values; wired in by main or cli. All are required
// but those of CHECK_NONE and of the kinds that src/conf checks by itself.
struct conf_checkers {
    conf_check_cb *check[CHECK_COUNT];
    size_t (*captures)(const char *pattern);        // that a good sites.rules.match makes
    unsigned (*last_capture)(const char *template); // the largest n of its $n; 0: it has none
};

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
    const struct conf_checkers *checkers;
};

// Receives each error: where it is ("/etc/tined/tined.conf:12", "-o", …) and what, with the remedy.
typedef void conf_report_cb(void *context, const char *where, const char *message);

// Returns the configuration, owned by the caller, or NULL after at least one report.
struct conf *conf_load(const struct conf_source *source, conf_report_cb *report, void *context);
