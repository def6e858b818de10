// A line of a file of redirects, in the `_redirects` form of static hosts:
//
//   /old          /new                   an exact path; 301 when no status is said
//   /view id=:id  /items/:id       302   with a parameter of the query
//   /news/:y/:m   /archive/:y-:m         a placeholder is one part of the path, not empty
//   /blog/*       https://example.org/:splat  308!
//   /app          /app.html        200   a file of the site answers, and nobody is sent elsewhere
//
// `#` begins a comment. Pure.
#pragma once

#include "base/buf.h"

#define REDIRECTLINE_PARAMETERS 8
#define REDIRECTLINE_VALUES     16 // placeholders, splat and parameters of one line

// A parameter that the query must have.
struct redirectline_parameter {
    struct slice name, value; // a value that begins with ':' is a placeholder, for any value
};

struct redirectline {
    struct slice path; // as it is written; empty: a line that says nothing
    bool is_pattern;   // it has placeholders or a splat
    struct redirectline_parameter parameters[REDIRECTLINE_PARAMETERS];
    size_t parameter_count;
    struct slice target; // a reference, escapes and all
    int status;          // 200: the target is a path of the site; else of a redirect
};

// The texts that the placeholders stood for, decoded, in the order in which the line names them.
struct redirectline_values {
    size_t count;
    struct slice names[REDIRECTLINE_VALUES], values[REDIRECTLINE_VALUES];
};

// Reads a line without its end. NULL, or what is wrong with it (static text).
const char *redirectline_parse(struct slice text, struct redirectline *ret);

// Whether a pattern's path, decoded, matches a decoded path; then adds to the values, which must be
// empty before.
bool redirectline_match(struct slice pattern, struct slice path, struct redirectline_values *ret);

// Whether the query (ptr NULL: none) has all parameters; then adds to the values, for whose text
// `room` is.
bool redirectline_has_parameters(const struct redirectline *line, struct slice query,
                                 struct buf *room, struct redirectline_values *ret);

// Appends the target with the values, which are escaped. Of several slashes that it would begin
// with one is left, so that no value can name another host. With a redirect the query (ptr NULL:
// none) goes before the fragment, unless the target has one.
void redirectline_put_target(struct buf *b, const struct redirectline *line,
                             const struct redirectline_values *values, struct slice query);
