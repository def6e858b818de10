// Who holds a port: for the error message when bind says EADDRINUSE.
//
// Reads /proc/net/{tcp,tcp6,unix} for the inode of the listening socket and the descriptors of all
// processes for who has it open. Best effort, slow, master only.
#pragma once

#include "sys/addr.h"

#define HOLDER_TEXT_MAX 128

// Writes e.g. "nginx (pid 812)", "nginx (pid 812) and 3 more", or "unknown" into `text`, and
// returns it.
char *holder_find(const struct endpoint *e, char text[static HOLDER_TEXT_MAX]);

// The same with another directory in the place of /proc: for tests.
char *holder_find_in(const char *proc, const struct endpoint *e, char text[static HOLDER_TEXT_MAX]);
