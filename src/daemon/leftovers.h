// Processes of workers that were killed and cannot end, since they wait in the kernel for a file
// system that does not answer: kept until they do, so that they can be reaped. Master only.
#pragma once

#include "base/list.h"
#include "daemon/child.h"

struct leftovers {
    struct list list;
    unsigned count;
    int *ports;
    size_t port_count;
};

void leftovers_init(struct leftovers *l);

// Frees the ports that were noted, and forgets those that are left.
void leftovers_cleanup(struct leftovers *l);

// Notes a listening socket that those that are left have open as well, of which the caller keeps
// its own: at the end it is shut down, so that its port is free for whoever comes next. Not when a
// service manager keeps the socket for that one.
void leftovers_note_port(struct leftovers *l, int fd);

// Takes over a child that is watched; its channel must not be any more. 0 or a negative errno: then
// it is the caller's, as before.
int leftovers_take(struct leftovers *l, struct watches *ws, struct child *c);
