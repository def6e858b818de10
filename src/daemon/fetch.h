// Has a one-shot process ask file systems, with a deadline: the master itself never waits for one.
//
// A process that waits in the kernel for a file system that does not answer cannot be ended, not
// even by SIGKILL. It is left, and remembered with what it has not answered: as long as it is
// there, nothing of that is asked for again. So there is at most one such process for each path.
// Master only, but for fetch_and_wait().
#pragma once

#include "base/list.h"
#include "daemon/fetched.h"
#include "daemon/watch.h"

// All of a master.
struct fetches {
    struct watches *watches;
    struct list list; // oldest first
};

struct fetch; // opaque: one process

// Takes over what was fetched, with nothing pending: an item that has not come by the deadline has
// error -ETIMEDOUT, and -EIO when the process has died; -EMFILE when descriptors were short.
typedef void fetch_done_cb(void *context, struct fetched *result);

struct fetch_terms {
    int64_t patience; // ms until the deadline
    fetch_done_cb *done;
    void *context;
};

void fetches_init(struct fetches *fs, struct watches *watches);

// Has the processes that are left end when they can, and forgets them.
void fetches_cleanup(struct fetches *fs);

// Whether a process is left that asks for this path, past its deadline.
bool fetches_is_silent(const struct fetches *fs, const char *name);

// Has `what` fetched, and `done` called then, from the watches. Takes over `what`, also on failure;
// the configuration in it must stay until then. An item that is known not to answer is not asked
// for, and has error -ETIMEDOUT at once. 0 or a negative errno.
int fetch_start(struct fetches *fs, struct fetched *what, const struct fetch_terms *terms,
                struct fetch **ret);

// Nobody wants to know any more: `done` is not called, and the process ends when it can. NULL is
// fine.
void fetch_cancel(struct fetch *f);

// The same for a process without watches: waits, and notes what came of it in `what`, which stays
// the caller's. 0 or a negative errno.
int fetch_and_wait(struct fetched *what, int64_t patience);
