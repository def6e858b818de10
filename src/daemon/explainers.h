// One-shot workers that explain one request each, for `tined explain`.
//
// Each inherits what the workers of a generation do, but for the sockets, gives up the same
// privileges, writes one answer (daemon/control.h) to a descriptor, and ends. It kills itself when
// that takes too long, so that whoever started it has only to hear of its end.
#pragma once

#include "daemon/child.h"
#include "daemon/generation.h"

// The most at one time.
#define EXPLAINERS_MAX 8

// A question: who asks by which port (of a UNIX socket when the client is "unix"), and what.
struct explainers_question {
    const char *client; // see explain_parse_client()
    uint16_t port;
    struct slice head; // of the request
};

// Those of a master.
struct explainers {
    struct poller *poller;
    struct explainers_slot {
        struct child child; // pid 0: none
        struct watch watch;
        int64_t reap_at; // it has ended but cannot be reaped before; 0: no such thing
    } slots[EXPLAINERS_MAX];
};

// Starts one that answers on `fd`, of which the caller keeps its own. 0 or a negative errno.
int explainers_spawn(struct child *ret, const struct generation *g,
                     const struct explainers_question *question, int fd);

void explainers_init(struct explainers *x, struct poller *poller);

// The same, of those that are counted and reaped. Also -EBUSY: there are too many.
int explainers_start(struct explainers *x, const struct generation *g,
                     const struct explainers_question *question, int fd);

// The child of this slot has ended.
void explainers_ended(struct explainers *x, unsigned slot, int64_t now);

// Reaps what could not be reaped before; and when that is due next, or -1.
void explainers_do_due(struct explainers *x, int64_t now);
int64_t explainers_next(const struct explainers *x);

// Kills those that are left.
void explainers_cleanup(struct explainers *x);
