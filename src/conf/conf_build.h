// Putting a configuration together from its sources: all that the file reader and the command line
// have in common. Private to src/conf; knows nothing of libconfig.
//
// Every function reports what it finds wrong and goes on, so that one load shows all errors; the
// first error makes conf_build_finish() return NULL.
#pragma once

#include "conf/conf_source.h"
#include "conf/conf_store.h"
#include "conf/conf_value.h"
#include "base/util.h"

struct conf_build {
    struct conf *conf; // NULL: out of memory, reported
    const struct conf_source *source;
    conf_report_cb *report;
    void *context;
    bool failed;
    bool overridden[CONF_SCOPE_COUNT]; // the list is the command line's
    char *working_directory;           // absolute
};

// Where something is written: for messages, and for relative paths.
struct conf_place {
    struct conf_origin origin;
    const char *directory; // absolute
};

// Starts with the defaults. Returns 0, or -1 after a report. Either way conf_build_finish() ends.
int conf_build_start(struct conf_build *b, const struct conf_source *source, conf_report_cb *report,
                     void *context);

// Reports an error at `origin`.
void conf_build_error(struct conf_build *b, struct conf_origin origin, const char *format, ...)
    PRINTF_LIKE(3, 4);

// Reports that there is no option of this path, with the nearest one.
void conf_build_unknown(struct conf_build *b, struct conf_origin origin, const char *path);

// Sets one option of an entry. Setting the same one from two files is an error.
void conf_build_set(struct conf_build *b, const struct conf_option *option, size_t entry,
                    const struct conf_raw *raw, const struct conf_place *place);

// Appends an entry to the list in this entry of its parent, as conf_store_add(). Returns its
// number, or a negative number after a report.
ptrdiff_t conf_build_add(struct conf_build *b, enum conf_scope scope, size_t parent,
                         struct conf_origin origin);

// Reports what an entry lacks.
void conf_build_check_entry(struct conf_build *b, enum conf_scope scope, size_t entry);

// Applies the command line's options.
void conf_build_override(struct conf_build *b);

// Reports that a file has no site, and listens on the default address when nothing else was said.
// Does nothing after an error.
void conf_build_complete(struct conf_build *b);

// Returns the configuration, or NULL if anything was reported.
struct conf *conf_build_finish(struct conf_build *b);
