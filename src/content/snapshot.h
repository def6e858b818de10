// A directory of a site as some clients may see it at one time, to be listed (content/dirlist.h).
//
// It depends on the directory, on the order that is asked for, on `hide`, and on the client as far
// as rules refuse it entries: clients whom the same rules refuse see the same. Not on the format.
// Which snapshots there are, and who shares them, is content/snapshots.h's matter.
#pragma once

#include "base/list.h"
#include "content/dirlist.h"
#include "content/route.h"

#include <stdatomic.h>

// A question for a snapshot.
struct snapshot_query {
    const struct route *route; // a ROUTE_DIRECTORY
    struct listing_view view;  // its order counts
    struct network client;
    enum scheme scheme;
    uint32_t limit; // the most entries
};

enum snapshot_state { SNAPSHOT_QUEUED, SNAPSHOT_READING, SNAPSHOT_READ };

struct snapshot {
    struct list link;          // in those that may be shared
    enum snapshot_state state; // the loop's
    uint32_t references;       // the loop's
    int64_t begun;             // ms, when it was begun to be read
    struct budget *memory;     // for its list
    _Atomic bool is_wanted;    // false: reading it may end early
    // once it is READ
    int error;            // 0, or a negative errno: -ENOBUFS when there was not memory enough
    bool is_settled;      // a change of the directory since then would be seen
    struct dirlist *list; // NULL: error
    // private: what it is a snapshot of
    const struct site *site;
    struct rootfs root; // as the route may look at it; borrowed
    const struct tree *tree;
    struct listing_view view;
    struct network client; // of those who see the same
    enum scheme scheme;    // of them, which rules may ask for
    uint32_t limit;
    bool hidden;
    struct slice path;     // in the site, begins with '/'
    const char *directory; // in the tree
    struct slice refusals; // a byte for each rule: whether it refuses the client
    char text[];
};

// One that is queued, without references. NULL: no memory.
struct snapshot *snapshot_new(const struct snapshot_query *q);
void snapshot_free(struct snapshot *one);

// Whether it is what the query asks for, at whatever time.
bool snapshot_answers(const struct snapshot *one, const struct snapshot_query *q);

// Reads it, in any thread: sets `list`, `error` and `is_settled`.
void snapshot_read(struct snapshot *one);

// Whether the directory is in the state that was read; its files may have changed.
bool snapshot_is_current(const struct snapshot *one);
