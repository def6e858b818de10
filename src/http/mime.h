// Media types by file name extension.
//
// A core table is built in, so that a site works without any file; a table read from text in the
// format of /etc/mime.types ("type ext ext…", '#' begins a comment) is asked first. Pure: the
// caller owns text and entries. Extensions compare without case.
#pragma once

#include "base/slice.h"

struct mime_entry {
    struct slice extension; // without the dot
    struct slice type;
};

// Reads pairs from text. Begin with {.text = the text}; the rest is private.
struct mime_reader {
    struct slice text;
    struct slice line;
    struct slice type;
};

// The next pair; false at the end. A line with only a type gives none, a line whose first word has
// no '/' is skipped.
bool mime_next(struct mime_reader *r, struct mime_entry *ret);

// Sorts for mime_find(); of several entries for one extension the first in the text wins. Returns
// the number left.
size_t mime_sort(struct mime_entry *entries, size_t count);

// The type for the last extension of `name` (a path or file name) in `entries` (sorted; may be NULL
// with count 0), or in the core; empty when it is not there. ".tar.gz" is gzip: the last one
// counts. A leading dot does not begin an extension.
struct slice mime_find(const struct mime_entry *entries, size_t count, struct slice name);
struct slice mime_find_core(struct slice name);

// Whether "; charset=utf-8" belongs behind it: text/* and the few textual application types
// (javascript, json, xml and +xml, …) whose definition knows or tolerates the parameter.
bool mime_wants_charset(struct slice type);
