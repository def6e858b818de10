// Who waits for the outcome of a reload or an upgrade: clients of the control socket, kept until
// there is something to say. Master only.
#pragma once

#include "base/slice.h"

// The most at one time; a further one is told at once that it will not hear of it.
#define WAITERS_MAX 8u

struct waiters {
    int fds[WAITERS_MAX];
    unsigned count;
    unsigned due; // the first so many wait for what is under way, the others for what follows it
    char faults[2048]; // what was logged as an error meanwhile, a line each
};

// Keeps a duplicate of the client's socket. 0 or a negative errno (-EBUSY: too many).
int waiters_add(struct waiters *w, int fd);

// What they all wait for begins: from here on errors that are logged are for them.
void waiters_listen(struct waiters *w);

// Tells those who wait for what was under way, and forgets them: "result" with the text when it
// went well, else "error" with what was logged, or with the text when nothing was.
void waiters_tell(struct waiters *w, bool well, const char *text);
