// Does jobs of which any may wait for ever, such as asking a file system that does not answer: in
// as many threads as it takes that none of them holds up another.
//
// For a process of its own, which is ended when it takes too long.
#pragma once

#include <stddef.h>

typedef void crew_job_cb(void *context, size_t number);

// Calls `job` for every number below `count`, in several threads at the same time. One thread does
// it all as long as it gets on; whenever none does, there are twice as many. Returns when all
// are done.
void crew_run(size_t count, crew_job_cb *job, void *context);
