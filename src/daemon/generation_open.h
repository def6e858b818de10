// Makes sites, types, access log and ids of a generation of what was fetched for it, without asking
// any file system.
#pragma once

#include "daemon/fetched.h"
#include "daemon/generation_types.h"

// Takes what the list of the generation's own configuration holds. Logs all that is wrong. 0, or
// the first negative errno: what was taken is the generation's all the same.
int generation_open(struct generation *g, struct fetched *f);

// strerror(3) for a negative errno of the access log (sys/logfile.h), or its remedy.
const char *generation_open_log_error(int error);
