// Media types by file name extension.
//
// Tables are read from text in the format of /etc/mime.types ("type ext ext…", '#' begins a
// comment); the one that is built in is http/mime_core.h. Pure: the caller owns text and entries.
// Extensions compare without case.
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
// with count 0); empty when it is not there. ".tar.gz" is gzip: the last one
// counts. A leading dot does not begin an extension.
struct slice mime_find(const struct mime_entry *entries, size_t count, struct slice name);

// Whether it is XML, which declares its own character set: the parameter would overrule that
// (RFC 7303 section 3.2).
bool mime_is_xml(struct slice type);

// Whether "; charset=utf-8" belongs behind it: text/* and the few textual application types
// (javascript, json, …) whose definition knows or tolerates the parameter, but not XML.
bool mime_wants_charset(struct slice type);
