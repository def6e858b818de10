// One-shot workers that explain one request each, for `tined explain`.
//
// Each inherits what the workers of a generation do, but for the sockets, gives up the same
// privileges, writes one answer (daemon/control.h) to a descriptor, and ends. It kills itself when
// that takes too long, so that whoever started it has only to hear of its end.
#pragma once

#include "daemon/child.h"
#include "daemon/child_stderr.h"
#include "daemon/generation.h"

// The most at one time.
#define EXPLAIN_WORKERS_MAX 16

// A question: who asks by which port (of a UNIX socket when the client is "unix"), and what.
struct explain_worker_question {
    const char *client; // see explain_parse_client()
    uint16_t port;
    struct slice head; // of the request
};

struct explain_worker {
    struct child child; // pid 0: none
    struct child_stderr words;
};

// Those of a master.
struct explain_workers {
    struct watches *watches;
    struct explain_worker places[EXPLAIN_WORKERS_MAX];
};

// The descriptors of one: it answers on `answer`, and `words` is the child's end of its stderr, or
// -1: it has the caller's. The caller keeps its own of them.
struct explain_worker_fds {
    int answer, words;
};

// Starts one. 0 or a negative errno.
int explain_worker_spawn(struct child *ret, const struct generation *g,
                         const struct explain_worker_question *question,
                         struct explain_worker_fds fds);

void explain_worker_init(struct explain_workers *x, struct watches *watches);

// The same, of those that are counted and reaped, and whose stderr is read. It answers on `fd`.
// Also -EBUSY: there are too many.
int explain_worker_start(struct explain_workers *x, const struct generation *g,
                         const struct explain_worker_question *question, int fd);

// Kills those that are left.
void explain_worker_cleanup(struct explain_workers *x);
