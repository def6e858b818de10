// Tells in words how the rules of a site decide a request: each that matched, and what it changed.
#pragma once

#include "content/route.h"

struct explain_rules {
    const struct route *route;
    const struct rule *const *own; // the rules that match the path of the request; others that
    size_t own_count;              // match are for that of the file
    int status;                    // of the answer
    bool has_policy;               // the answer is a page with a policy of its own
    const char *client;            // its address as text
    struct network network;        // the same as rules compare it
};

// Appends lines of a report (explain/explain_text.h).
void explain_rules_put(struct buf *b, const struct explain_rules *e);
