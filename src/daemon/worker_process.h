// A worker as the master sees it: a place in a generation, and the process in it, if there is one.
//
// The process is started in a place where one is wanted (daemon/supervise.h), and followed by
// another when it has ended. Master only.
#pragma once

#include "daemon/channel_guard.h"
#include "daemon/child.h"
#include "daemon/child_stderr.h"
#include "daemon/supervise.h"
#include "server/channel.h"
#include "server/scoreboard.h"

struct generation;

// How long one that was killed may take to end.
#define WORKER_PROCESS_END_TIME 2000 // ms

struct worker_process {
    struct generation *generation; // that it belongs to,
    unsigned number;               // and its place there
    struct supervise policy;
    struct child child;        // pid 0: none
    struct child_stderr words; // that it writes to its stderr
    struct watch channel_watch;
    struct channel_guard guard; // of what it says
    bool knows_pairs;           // it hands over by a pair of its own (daemon/handover.h)
    bool is_unruly;             // it said what no worker says: it was ended, and is not heard
    struct timer start;         // one that is wanted here
    struct timer kill;          // one that should have ended by itself
    struct timer leave;         // one that was killed, and does not end
    bool hangs;                 // it was told to abort
    bool was_killed;            // by the master, and not because it hangs
};

// Makes a place, whose policy is set already.
void worker_process_init(struct worker_process *w, struct generation *g, unsigned number);

// Starts a process if one is due. w->generation->failed tells when it cannot be.
void worker_process_start_if_due(struct worker_process *w);

// Has a process started in a place that has none.
void worker_process_want(struct worker_process *w);

// Has the events of a process called that is there already. `words` is our end of its stderr, which
// is taken over also on failure; 0: it has none that is ours. 0 or a negative errno.
int worker_process_watch(struct worker_process *w, int words);

// Sends it a message, if it is there. Logs a failure.
void worker_process_tell(struct worker_process *w, enum channel_type type, uint32_t value, int fd);

// Kills it at once. One that waits in the kernel for a file system that does not answer cannot end:
// WORKER_PROCESS_END_TIME later, or soon after its descriptors are closed, it is left, as if it had
// ended, and its place is free for another.
void worker_process_kill(struct worker_process *w);

// The same for one that hangs.
void worker_process_kill_hung(struct worker_process *w);

// Its place on the scoreboard; NULL for one of another image.
const struct scoreboard_place *worker_process_place(const struct worker_process *w);
