// Asking the running master over its control socket (daemon/control.h).
#pragma once

#include "base/buf.h"

// Sends a request, and appends the answer, all of it. 0 or a negative errno: -ENOENT,
// -ECONNREFUSED, -EACCES: nobody listens, or not for us; -ETIMEDOUT; -EMSGSIZE: the answer does not
// fit.
int ask_master(const char *socket_path, struct slice request, struct buf *answer);

// Appends all that comes from a connected socket until its end, within the time for an answer.
int ask_receive(int fd, struct buf *answer);
