// The file that answers, in words: what it is, its precompressed variants, its validators.
#pragma once

#include "content/route.h"

struct explain_file {
    const struct conf *conf;
    const struct route_query *query;
    const struct route *route; // with a file
    const struct request *request;
};

// Appends lines of a report (explain/explain_text.h).
void explain_file_put(struct buf *b, const struct explain_file *e);
