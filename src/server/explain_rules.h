// What the rules of a site say about a request, in words: each that matched, and what it changed.
#pragma once

#include "server/route.h"

struct explain_rules {
    const struct route *route;
    const struct rule *const *own; // the rules that match the path of the request; others that
    size_t own_count;              // match are for that of the file
    int status;                    // of the answer
    struct network network;        // of the client
    const char *client;            // the same as text
};

// Appends lines of a report (server/report.h).
void explain_rules_put(struct buf *b, const struct explain_rules *e);

// "FILE:LINE" of a rule of the route's site. Returns `text`.
const char *explain_rules_origin(const struct route *route, const struct rule *rule,
                                 char text[static CONF_ORIGIN_MAX]);
