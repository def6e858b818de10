// A struct conf as the rows of the option table see it: its members by row, and where each value
// came from. Private to src/conf.
//
// Entry numbers count the entries of a list; options at the top have the one entry 0.
#pragma once

#include "conf/conf_types.h"
#include "conf/conf_options.h"

struct conf_provenance {
    char **files; // the names that origins point at
    size_t file_count;
    struct conf_origin *origins[CONF_SCOPE_COUNT]; // of each entry, one for each row of the table
};

// A configuration that holds the defaults and no entries. NULL: out of memory.
struct conf *conf_store_new(void);

// How many entries a scope has. Public for tests.
size_t conf_store_count(const struct conf *c, enum conf_scope scope);

// The member that an option of this entry is stored in.
void *conf_store_target(const struct conf *c, const struct conf_option *option, size_t entry);

// Where its value came from; file NULL: it is the default.
struct conf_origin *conf_store_origin(const struct conf *c, const struct conf_option *option,
                                      size_t entry);

// Where the entry of a list begins.
struct conf_origin conf_store_entry_origin(const struct conf *c, enum conf_scope scope,
                                           size_t entry);

// The entries of a list that stand in this entry of its parent; of a list at the top (parent 0)
// all.
struct conf_range {
    size_t first, count;
};
struct conf_range conf_store_children(const struct conf *c, enum conf_scope scope, size_t parent);

// Appends an entry with default values to the list in this entry of its parent (0 for a list at the
// top), which must be the last one that has got any. Returns its number or -ENOMEM.
ptrdiff_t conf_store_add(struct conf *c, enum conf_scope scope, size_t parent,
                         struct conf_origin origin);

// Removes all entries of a list at the top, and the lists in them.
void conf_store_clear(struct conf *c, enum conf_scope scope);

// The configuration's own copy of a name, the same for equal names. NULL: out of memory.
const char *conf_store_name(struct conf *c, const char *name);

// Frees all that the configuration owns, but not itself.
void conf_store_cleanup(struct conf *c);
