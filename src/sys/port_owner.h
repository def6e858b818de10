// Finds the process that holds a port: for the error message when bind says EADDRINUSE.
//
// Reads /proc/net/{tcp,tcp6,unix} for the inode of the listening socket, and looks for it among the
// descriptors of all processes. Best effort, slow, master only.
#pragma once

#include "base/endpoint.h"

#include <stdbool.h>
#include <sys/types.h>

#define PORT_OWNER_TEXT_MAX 128

// Writes e.g. "nginx (pid 812)", "nginx (pid 812) and 3 more", or "unknown" into `text`, and
// returns it.
char *port_owner_find(const struct endpoint *e, char text[static PORT_OWNER_TEXT_MAX]);

// Whether workers of this program that a dead master has left may hold it: all holders that can be
// seen, or where none can (who is not root cannot look into workers) any process, have the name of
// this process, but no parent or child of that name, and are another process.
bool port_owner_is_left(const struct endpoint *e);

// The same with another directory in the place of /proc, and of other processes than `self`: for
// tests.
bool port_owner_is_left_in(const char *proc, pid_t self, const struct endpoint *e);

// The same as port_owner_find() with another directory in the place of /proc: for tests.
char *port_owner_find_in(const char *proc, const struct endpoint *e,
                         char text[static PORT_OWNER_TEXT_MAX]);
