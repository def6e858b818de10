// Fetching as a job for a process of its own: asks file systems, and sends what came of it.
//
// The two ends of its channel stand side by side here, for they are always of one program.
#pragma once

#include "daemon/fetched.h"

// In the child (a child_run_cb): fetches all items that are pending of a struct fetched, each as
// soon as it can be, and sends what came of it. One that hangs holds up no other, but the child
// does not end then.
int fetch_job_run(void *context, int channel);

// In the parent: takes what has come, without waiting. False: nothing more will come. An item stays
// pending for whose descriptor there is no room (is_short).
bool fetch_job_receive(int channel, struct fetched *f);
