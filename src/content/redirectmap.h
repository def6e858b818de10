// A site's file of redirects (http/redirectline.h): exact paths by hash, lines with placeholders
// one after the other; of all that match the first line of the file counts.
//
// Read by the master when a configuration is loaded, inherited by workers; read-only afterwards.
#pragma once

#include "http/redirectline.h"

#include <stdint.h>

// The most lines with placeholders: each request that no exact line answers is held against all.
#define REDIRECTMAP_PATTERNS_MAX 1000

struct redirectmap_entry {
    struct redirectline line; // its path is decoded
    unsigned number;          // of the line
    uint32_t next;            // the next entry of the same path, or REDIRECTMAP_NONE
};

#define REDIRECTMAP_NONE UINT32_MAX

// All zero: there are no lines.
struct redirectmap {
    char *text, *paths; // what the entries point into
    struct redirectmap_entry *entries;
    uint32_t count;
    uint32_t *slots; // the first entry of a path, at its hash or behind it
    uint32_t slot_mask;
    uint32_t *patterns; // the entries that are no exact path
    uint32_t pattern_count;
};

// Gets each line that is wrong, from 1, and why.
typedef void redirectmap_report_cb(void *context, unsigned line, const char *why);

// Reads an open file, and closes it. 0, or a negative errno: -EBADMSG after reports, -EINVAL: no
// regular file, -EFBIG: beyond 64 MiB; of an `fd` that is none the errno that it is.
int redirectmap_load(struct redirectmap *m, int fd, redirectmap_report_cb *report, void *context);

// The same of a text, which is copied: for tests.
int redirectmap_make(struct redirectmap *m, struct slice text, redirectmap_report_cb *report,
                     void *context);

void redirectmap_cleanup(struct redirectmap *m);

// The line for a decoded path with a query (ptr NULL: none), with its values, for which `room` is;
// NULL: there is none.
const struct redirectmap_entry *redirectmap_find(const struct redirectmap *m, struct slice path,
                                                 struct slice query, struct buf *room,
                                                 struct redirectline_values *ret);
