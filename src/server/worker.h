// A worker: a process that serves, with one event loop per thread.
//
// Runs in a child of the master. Gets all it needs in one struct, through fork; closes the door
// behind it before its first thread; ends when it is told to, or when the master is gone.
#pragma once

#include "server/served.h"
#include "sys/privs.h"
#include "sys/sandbox.h"

#include <sys/types.h>

// All that a worker inherits. Owned by the master's copy of the memory.
struct worker_setup {
    const struct served *served;
    int channel;    // the worker's end
    uint32_t place; // of the scoreboard, for this worker
    const struct privs *privs;
    struct sandbox *sandbox;
    pid_t master;
};

// Exit statuses that tell the master what went wrong.
#define WORKER_EXIT_OK     0
#define WORKER_EXIT_FAILED 1

// Serves; returns the exit status of the process. Logs why it could not begin.
int worker_run(const struct worker_setup *setup);
