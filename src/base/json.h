// Writing JSON (RFC 8259), with the commas in their places.
//
// Pure.
#pragma once

#include "base/buf.h"

#include <stdbool.h>

struct json {
    struct buf *b;
    bool follows; // a member or an item stands before the next one
};

// Begins a value that is written to `b`.
static inline struct json json_make(struct buf *b)
{
    return (struct json){b, false};
}

// Each of these appends a value: a member of an object by its name, or, without a name (NULL), an
// item of an array or the whole. Text beyond ASCII is copied: it is to be UTF-8.
void json_begin_object(struct json *j, const char *name);
void json_begin_array(struct json *j, const char *name);
void json_put_number(struct json *j, const char *name, uint64_t value);
void json_put_string(struct json *j, const char *name, struct slice text);

// End what was begun last.
void json_end_object(struct json *j);
void json_end_array(struct json *j);
