// Looks for the file of a route: at the path of the request, or those that a rule or the file of
// redirects puts in its place. Each look is told to the query's trace.
//
// Nothing is decided here but which look counts: content/route.h makes the answer of it.
#pragma once

#include "content/route_types.h"

// Decodes a path, which begins with a slash, with that slash. REASON_NONE, or why it cannot be
// decoded; then *ret is left alone.
enum reason route_lookup_decode(struct slice raw, char text[static ROUTE_PATH_MAX],
                                struct slice *ret, bool *ret_hidden);

// Whether a path, which is not empty, ends as the address of a directory does.
bool route_lookup_has_slash(struct slice path);

// A path that a rule names.
struct route_target {
    enum route_purpose purpose;
    struct slice template;
    struct slice path; // $path stands for it
    const struct glob_match *captures;
};

// Looks at a path that a rule names. Writes target_text and resolved_text of the route. A file in
// *ret is a reference of the caller's.
void route_lookup_target(const struct route_query *q, struct route *route,
                         const struct route_target *target, struct resource *ret);

// Looks up the request's path, or the path that a rule puts in its place, and says in route->slash
// when that has another form of the address. A file in *ret is a reference of the caller's.
void route_lookup_requested(const struct route_query *q, struct route *route, struct resource *ret);
