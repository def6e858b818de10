// Looks whether the roots of the generation that serves lead elsewhere by now, whether they still
// answer, and whether those that did not do so.
//
// The kernel's memory is asked first, which waits for nothing (rootfs_stat_cached()); for the roots
// of which it cannot tell, and for those that can stop answering, a process is (daemon/fetch.h),
// one at a time. Master only.
#pragma once

#include "daemon/fetch.h"
#include "daemon/generation_types.h"

// The result of a look.
enum root_watch_finding {
    ROOT_WATCH_SAME,
    ROOT_WATCH_SWAPPED,  // a root leads to another directory
    ROOT_WATCH_ANSWERED, // one that did not answer does
    ROOT_WATCH_SILENCED, // one that is open does not answer any more
};

// Told when a process has found something else than SAME.
typedef void root_watch_cb(void *context, enum root_watch_finding finding);

struct root_watch {
    struct fetches *fetches;
    root_watch_cb *found;
    void *context;
    // Of its own:
    struct fetch *fetch;                 // under way, or NULL
    const struct generation *generation; // whose roots it asks for
};

// Looks at the roots of a generation: tells what it has found at once, and has a process asked for
// the others, of which `found` tells.
enum root_watch_finding root_watch_look(struct root_watch *w, const struct generation *g);

// Lists the first `max` paths that trees of the generation wait for and that do not answer, as far
// as is known. How many there are.
size_t root_watch_list_silent(const struct root_watch *w, const struct generation *g,
                              const char **names, size_t max);

// Drops a look that is under way: the generation may be freed.
void root_watch_stop(struct root_watch *w);
