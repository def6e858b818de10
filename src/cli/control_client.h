// Asking the running master over its control socket (daemon/control.h).
#pragma once

#include "base/buf.h"

#include <sys/types.h>

// Sends a request, and appends the answer, all of it. *ret_server gets the process that listens, 0
// if it cannot be known here; NULL: nobody wants to know. 0 or a negative errno: -ENOENT,
// -ECONNREFUSED, -EACCES: nobody listens, or not for us; -ETIMEDOUT; -EMSGSIZE: the answer does not
// fit.
int control_client_ask(const char *socket_path, struct slice request, struct buf *answer,
                       pid_t *ret_server);

// Appends all that comes from a connected socket until its end, within the time for an answer.
int control_client_receive(int fd, struct buf *answer);
