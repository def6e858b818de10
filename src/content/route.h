// Finds the answer to a request: the site, the ruling of its rules, and the file.
//
// In two steps: route_start() finds site and rules for any request, route_resolve() looks for the
// file that a GET or HEAD is answered with. Nothing is formatted here: server/handler.c does that,
// and `tined explain` shows it.
#pragma once

#include "content/route_types.h"

// The route of what is no request, or refused for a reason: no site, no rules.
void route_none(struct route *ret, enum reason reason);

// Finds site, path and ruling. `status` is set, and for an error `reason`, when that decides the
// answer: the path is malformed, no site answers here, or a rule is final.
void route_start(const struct route_query *q, const struct request *r, struct route *ret);

// Finds the file, after route_start() left the status open.
void route_resolve(const struct route_query *q, const struct request *r, struct route *route);

// The page that the site has for this error, as a reference that the caller gives back, with the
// rules of its path added to the ruling; NULL: it has none.
struct cached_file *route_error_page(const struct route_query *q, struct route *route, int status);
