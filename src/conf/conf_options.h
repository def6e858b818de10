// The option table: one row for each option, and the only place that knows what options there are.
//
// From it come the defaults, the loader's checks and messages, the dump, the option tables of the
// manual, the completions, and the test of the example file. A new option is a member of a struct
// in conf/conf.h and a row here. Constant data; no I/O.
#pragma once

#include "base/slice.h"

#include <stdint.h>

enum conf_type {
    CONF_COUNT,      // uint64_t; a number
    CONF_SIZE,       // uint64_t, bytes; a number or "16K"
    CONF_TIME,       // uint64_t, ms; "30s"
    CONF_BOOL,       // bool
    CONF_STRING,     // char *
    CONF_PATH,       // char *; absolute after loading
    CONF_LOG_TARGET, // char *; "off", "stdout" or a path, absolute after loading
    CONF_STRINGS,    // struct conf_strings
    CONF_INCLUDE     // not stored: the loader acts on it
};

// In which struct an option is stored: struct conf, or an entry of one of its lists.
enum conf_scope { CONF_TOP, CONF_LISTEN, CONF_SITES };
enum { CONF_SCOPE_COUNT = CONF_SITES + 1 };

// What a text must satisfy beyond its length. The first three are supplied from outside, see
// conf/conf_load.h.
enum conf_check {
    CHECK_NONE,
    CHECK_ADDRESS,
    CHECK_SITE_NAME,
    CHECK_LOG_LEVEL,
    CHECK_MODE,     // octal permission bits
    CHECK_FILE_NAME // a name without a directory, not hidden
};

struct conf_option {
    const char *path; // "threads", "timeouts.idle"; of a list's entry: "listen.address"
    enum conf_scope scope;
    size_t offset; // in the struct of the scope
    enum conf_type type;
    const char *def; // the default as text; NULL: must be given
    uint64_t min;    // of numbers; of a text's length in bytes; of the number of strings
    uint64_t max;
    enum conf_check check;
    const char *example; // as text; NULL: the default serves as one
    const char *help;    // one sentence
};

// All rows, members of a group next to each other.
const struct conf_option *conf_options_all(size_t *ret_count);

// The row of `path`, or NULL.
const struct conf_option *conf_options_find(struct slice path);

// The position of `option` in the table.
size_t conf_options_index(const struct conf_option *option);

// Whether `path` is a group ("limits"). Lists are no groups.
bool conf_options_is_group(struct slice path);

// The scope of a list ("listen", "sites"), or CONF_TOP when there is no such list.
enum conf_scope conf_options_list(struct slice path);

// The name of a list's scope.
const char *conf_options_list_name(enum conf_scope scope);

// The path that was most likely meant by an unknown one, or NULL. Static text.
const char *conf_options_nearest(struct slice path);

// An option's name inside its group or list: "idle" of "timeouts.idle".
const char *conf_option_name(const struct conf_option *option);

// An example of a value, as text without quotes.
const char *conf_option_example(const struct conf_option *option);

// Whether a value of this type stands in quotes in a file.
bool conf_option_is_quoted(const struct conf_option *option);
