// The work to be done in a tree: a job for each sibling that is stale or missing.
#pragma once

#include "precompress/job.h"

struct plan {
    struct job *jobs; // in the order of their paths; owned
    size_t count;
    uint64_t bytes;  // that the jobs read
    size_t fresh;    // siblings that need nothing
    size_t capacity; // private
};

// Told of the other things that plan_make() finds. Paths are below the root.
struct plan_listener {
    void (*orphan)(void *context, const char *sibling);         // its original is gone
    void (*foreign)(void *context, const char *sibling);        // a thing of that name is no file
    void (*failed)(void *context, const char *path, int error); // a negative errno
    void *context;
};

// Looks at all files below `root`, for each of the compressors. Ends early when interrupt_seen().
// The plan is the caller's, for plan_cleanup().
void plan_make(struct plan *p, int root, const struct compressor *const *compressors,
               const struct plan_listener *listener);

void plan_cleanup(struct plan *p);

// The largest first: then no thread is left with one while the others have nothing to do.
void plan_sort_by_size(struct plan *p);
