// One-shot workers that explain one request each, for `tined explain`.
//
// Each inherits what the workers of a generation do, but for the sockets, gives up the same
// privileges, writes one answer (daemon/control.h) to a descriptor, and ends. It kills itself when
// that takes too long, so that whoever started it has only to hear of its end.
#pragma once

#include "daemon/child.h"
#include "daemon/generation.h"

// The most at one time.
#define EXPLAIN_WORKERS_MAX 16

// A question: who asks by which port (of a UNIX socket when the client is "unix"), and what.
struct explain_worker_question {
    const char *client; // see explain_parse_client()
    uint16_t port;
    struct slice head; // of the request
};

// Those of a master.
struct explain_workers {
    struct watches *watches;
    struct child children[EXPLAIN_WORKERS_MAX]; // pid 0: none
};

// Starts one that answers on `fd`, of which the caller keeps its own. 0 or a negative errno.
int explain_worker_spawn(struct child *ret, const struct generation *g,
                         const struct explain_worker_question *question, int fd);

void explain_worker_init(struct explain_workers *x, struct watches *watches);

// The same, of those that are counted and reaped. Also -EBUSY: there are too many.
int explain_worker_start(struct explain_workers *x, const struct generation *g,
                         const struct explain_worker_question *question, int fd);

// Kills those that are left.
void explain_worker_cleanup(struct explain_workers *x);
