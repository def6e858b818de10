// Texts of rules that hold parts of a request: "/new/$1", "$path.html".
//
//   $1 to $9  what the wildcards of the rule's pattern stood for (http/glob.h)
//   $path     the request's path
//   $host     the host that it is for, without the port; in redirects
//   $$        a dollar
//
// Pure.
#pragma once

#include "base/buf.h"
#include "http/glob.h"

enum template_kind {
    TEMPLATE_TEXT,    // stands for itself
    TEMPLATE_CAPTURE, // $1 to $9
    TEMPLATE_PATH,    // $path
    TEMPLATE_HOST,    // $host
    TEMPLATE_BAD      // a dollar that is none of these
};

struct template_part {
    enum template_kind kind;
    struct slice text; // TEXT: the bytes, without the second of two dollars
    unsigned capture;  // CAPTURE: 1 to 9
};

// Cuts the next part off *rest; false: there is none.
bool template_next(struct slice *rest, struct template_part *ret);

// Whether the text holds a $host.
bool template_has_host(struct slice text);

// The largest n of all $n, 0 when there is none.
unsigned template_last_capture(struct slice text);

// The values of the variables.
struct template_values {
    struct slice path; // of the request, decoded
    const struct glob_match *captures;
    struct slice host; // one of the site's names, as the request writes it
};

// Appends the path that a template for a decoded path names, escaped as in a request: it is decoded
// like one (http/urlpath.h), so that no capture can lead anywhere that a request could not. A
// capture that there is not is empty.
void template_put_path(struct buf *b, struct slice text, const struct template_values *values);

// Appends a redirect's target: the text is a reference already, the variables are escaped. Of
// several slashes that it would begin with one is left, so that no variable can name another host.
// The query of the request (ptr NULL: none) goes before the fragment, unless the text ends in '?'
// there, which drops both.
void template_put_redirect(struct buf *b, struct slice text, const struct template_values *values,
                           struct slice query);
