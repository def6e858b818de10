// Why there is no file to serve at a path: the first component that cannot be passed, with errno,
// mode and owner, or the policy that stands in the way.
//
// Looks with the eyes of the process that it runs in, which has a worker's rights.
#pragma once

#include "base/buf.h"
#include "content/sites.h"

struct explain_path {
    const struct site *site;
    const struct tree *tree;
    enum symlinks links;
    bool listing; // whether directories may be listed
    const struct conf_strings *index;
    struct slice path; // relative to the tree, decoded
};

// Appends lines of a report (explain/explain_text.h).
void explain_path_put(struct buf *b, const struct explain_path *p);
