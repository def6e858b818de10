// The snapshots of an event loop (content/snapshot.h), each shared by all who ask for it while it
// is young.
//
// A snapshot is young for SNAPSHOTS_YOUNG after it was begun to be read, as long as the directory
// has not changed since, and it is local (struct tree): another one nobody may look at here. Sizes
// and times of files that it shows are so old at most, and what was added or removed before a
// request is seen. One that is still being read is shared in any case. It lives as long as somebody
// has a reference, or it is young. Once nobody waits for it any more it is not read to its end.
// They are read one after the other, each as soon as the one before is, in whatever thread the
// caller has for it. Those of all event loops of a worker take their memory from one budget: one
// that does not fit into what the others leave is an error, -ENOBUFS. Where half of it is in use
// those that nobody references give way: a loop's own at once, those of the others when they have
// their next tick. A snapshot is of one loop, and of one worker, for it is referenced without
// locks. So a directory that clients of several loops ask for is read once for each of them.
#pragma once

#include "content/snapshot.h"

#define SNAPSHOTS_YOUNG 1000 // ms

struct snapshots {
    struct list shared;       // in the order in which they were asked for
    struct snapshot *reading; // NULL: none is
    struct budget *memory;    // borrowed
};

void snapshots_init(struct snapshots *s, struct budget *memory);

// Nothing may be referenced any more, and no thread may be reading.
void snapshots_cleanup(struct snapshots *s);

// A reference to a snapshot, which may have to be read first; NULL: no memory. `now` in ms.
struct snapshot *snapshots_get(struct snapshots *s, const struct snapshot_query *q, int64_t now);

// Gives it back.
void snapshots_release(struct snapshot *one);

// The one that is to be read now, by snapshot_read(), and then told by snapshots_done(); NULL: one
// is being read, or none is to be.
struct snapshot *snapshots_next(struct snapshots *s, int64_t now);
void snapshots_done(struct snapshots *s, struct snapshot *one);

// To be called now and then: frees those that are neither young nor referenced.
void snapshots_tick(struct snapshots *s, int64_t now);
