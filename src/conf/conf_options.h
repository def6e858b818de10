// The option table: one row for each option, and the only place that knows what options there are.
//
// From it come the defaults, the loader's checks and messages, the dump, the option tables of the
// manual, the completions, and the test of the example file. A new option is a member of a struct
// in conf/conf_types.h and a row here. Constant data; no I/O.
#pragma once

#include "base/slice.h"

#include <stdint.h>

enum conf_type {
    CONF_COUNT,      // uint64_t; a number
    CONF_SIZE,       // uint64_t, bytes; a number or "16K"
    CONF_TIME,       // uint64_t, ms; "30s"
    CONF_BOOL,       // bool
    CONF_TOGGLE,     // enum toggle; true, false, or not mentioned
    CONF_CHOICE,     // an enum; one of the row's words
    CONF_STRING,     // char *
    CONF_PATH,       // char *; absolute after loading
    CONF_LOG_TARGET, // char *; "off", "stdout", "journal" or a path, absolute after loading
    CONF_STRINGS,    // struct conf_strings
    CONF_INCLUDE     // not stored: the loader acts on it
};

// In which struct an option is stored: struct conf, or an entry of one of its lists. A list that
// stands in the entries of another one comes behind that.
enum conf_scope { CONF_TOP, CONF_LISTEN, CONF_SITES, CONF_RULES, CONF_MOUNTS };
enum { CONF_SCOPE_COUNT = CONF_MOUNTS + 1 };

// Returns NULL when the value is good, else what is wrong and what would be right (static text).
typedef const char *conf_check_cb(struct slice value);

// A list: what its entries are, where they are kept, and where they stand in a file.
struct conf_list {
    const char *path;       // "sites", "sites.rules"
    const char *example;    // as text of a file
    enum conf_scope parent; // CONF_TOP, or the scope in whose entries the list stands
    bool is_sparse;         // the dump leaves out what is not mentioned
    size_t size;            // of an entry
    size_t items;           // offset in struct conf of the pointer to the entries
    size_t count;           // offset in struct conf of their number
    size_t origin;          // offset in an entry of its struct conf_origin
    // Of a list in entries only: entries with one parent are next to each other.
    size_t owner;  // offset in an entry of its parent's number
    size_t first;  // offset in the parent of the number of its first entry
    size_t length; // offset in the parent of how many it has
};

struct conf_option {
    const char *path; // "threads", "timeouts.idle"; of a list's entry: "listen.address",
                      // "sites.rules.headers.set"
    enum conf_scope scope;
    size_t offset; // in the struct of the scope
    enum conf_type type;
    const char *def; // the default as text; NULL: must be given
    uint64_t min;    // of numbers; of a text's length in bytes; of the number of strings
    uint64_t max;
    conf_check_cb *check; // of a text, or of each string of a list; NULL: any will do
    const char *example; // as text; NULL: the default serves as one. Strings have '|' between them.
                         // Of a choice all its words, in the order of its enum; an empty first one
                         // stands for what is not mentioned
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

// The scope of a list ("listen", "sites.rules"), or CONF_TOP when there is no such list.
enum conf_scope conf_options_list(struct slice path);

// The facts of a scope's list; not for CONF_TOP.
const struct conf_list *conf_options_list_of(enum conf_scope scope);

// A scope's path: "" for the top, "sites.rules".
const char *conf_options_scope_path(enum conf_scope scope);

// The scope whose entries hold what this path names: CONF_SITES for "sites.root", "sites.rules".
enum conf_scope conf_options_holder(struct slice path);

// The option that has taken the place of one that is gone; NULL: there never was one.
const char *conf_options_successor(struct slice path);

// The path that was most likely meant by an unknown one, or NULL. Static text.
const char *conf_options_nearest(struct slice path);

// An option's name inside its group or list: "idle" of "timeouts.idle".
const char *conf_option_name(const struct conf_option *option);

// A list's name inside the entry that it stands in: "rules" of "sites.rules".
const char *conf_list_name(const struct conf_list *list);

// An example of a value, as text without quotes.
const char *conf_option_example(const struct conf_option *option);

// Whether a value of this type stands in quotes in a file.
bool conf_option_is_quoted(const struct conf_option *option);
