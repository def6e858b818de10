// Clients of the control socket that wait for the outcome of a reload or an upgrade, kept until
// there is something to say. Master only.
#pragma once

#include "base/slice.h"

// The most at one time; a further one is told at once that it will not hear of it.
#define CONTROL_WAITERS_MAX 8u

struct control_waiters {
    int fds[CONTROL_WAITERS_MAX];
    unsigned count;
    unsigned due; // the first so many wait for what is under way, the others for what follows it
    char faults[2048]; // what was logged as an error meanwhile, a line each
};

// Keeps a duplicate of the client's socket. 0 or a negative errno (-EBUSY: too many).
int control_waiters_add(struct control_waiters *w, int fd);

// Takes over the sockets of clients that another image has kept, and listens. One that finds no
// room is closed.
void control_waiters_take_over(struct control_waiters *w, const int *fds, size_t count);

// Begins what they all wait for: from here on errors that are logged are for them.
void control_waiters_listen(struct control_waiters *w);

// Tells those who wait for what was under way, and forgets them: "result" with the text when it
// went well, else "logged" with the lines of the log, or "error" with the text when there were
// none.
void control_waiters_tell(struct control_waiters *w, bool well, const char *text);
