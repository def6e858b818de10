// A worker: a process that serves, with one event loop per thread.
//
// Runs in a child of the master. Gets all it needs in one struct, through fork; closes the door
// behind it before its first thread; ends when it is told to, or when the master is gone.
#pragma once

#include "conf/conf.h"
#include "server/mimetable.h"
#include "server/scoreboard.h"
#include "server/sites.h"
#include "sys/privs.h"
#include "sys/sandbox.h"

#include <sys/types.h>

// All that a worker inherits. Owned by the master's copy of the memory.
struct heritage {
    const struct conf *conf;
    const struct sites *sites;
    const struct mimetable *types;
    int *listeners; // descriptors; the worker closes them when it accepts no more
    size_t listener_count;
    const struct endpoint *addresses; // that the listeners are bound to
    size_t admin; // number of the first listener that is for the server itself, not for sites
    int handoff_in, handoff_out;   // where connections come from and go to (server/handoff.h)
    int access_log;                // or -1
    int channel;                   // the worker's end
    struct scoreboard *scoreboard; // of the generation
    uint32_t first_slot;           // of this worker: one per thread
    const struct privs *privs;
    const struct sandbox *sandbox;
    pid_t master;
};

// Exit statuses that tell the master what went wrong.
#define WORKER_EXIT_OK     0
#define WORKER_EXIT_FAILED 1

// Serves; returns the exit status of the process. Logs why it could not begin.
int worker_run(const struct heritage *h);
