// Checks the texts of sites and rules against HTTP's grammar, for the configuration.
//
// Pure. The functions return NULL, or what is wrong and what would be right (static text).
#pragma once

#include "base/slice.h"

// A field's value (RFC 9110 section 5.5), and a token (section 5.6.2).
const char *rulecheck_field_value(struct slice text);
const char *rulecheck_token(struct slice text);

// A media type with or without parameters (RFC 9110 section 8.3.1).
const char *rulecheck_media_type(struct slice text);

// A media type and one or more file name extensions, as a line of mime.types.
const char *rulecheck_types_line(struct slice text);

// "*", or what browsers send as Origin: scheme "://" host [ ":" port ] (RFC 6454 section 6.2). Of
// localhost and loopback addresses the port may be "*".
const char *rulecheck_origin(struct slice text);

// Where a redirect leads: a path from the root, or a URL of http or https whose host is fixed, or
// is $host. As it goes into Location, escapes and all; may hold $1 to $9 (http/template.h).
const char *rulecheck_redirect(struct slice text);

// The same without variables: a '$' is one.
const char *rulecheck_location(struct slice text);

// A decoded path: begins with '/' or "$path", and may hold $1 to $9 and $path; no empty segments
// and none that are "." or "..".
const char *rulecheck_path(struct slice text);

// The same without captures: the path of a file, and of a directory, which is not the root.
const char *rulecheck_file(struct slice text);
const char *rulecheck_directory(struct slice text);

// An error status and the path of a file: "404 /404.html".
const char *rulecheck_error_page(struct slice text);

// Takes a good one apart.
void rulecheck_split_error_page(struct slice text, unsigned *ret_status, struct slice *ret_path);
