// What `tined status` tells, as text and as JSON: facts in, bytes out. No I/O but in
// overview_look_at(), which asks the kernel about a listening socket.
#pragma once

#include "base/buf.h"
#include "daemon/totals.h"
#include "sys/addr.h"
#include "sys/sandbox.h"

#include <sys/types.h>

struct overview_listener {
    char address[ADDR_TEXT_MAX];
    bool is_tcp;              // only then the next two are known
    uint32_t queued, backlog; // connections that wait to be accepted, and how many may
};

struct overview {
    pid_t pid;
    int64_t uptime_s;
    unsigned generation;
    unsigned workers, alive, ending; // wanted, with a process; processes of ending generations
    const char *state;               // "serving", "draining", "starting", "stopping"
    const char *reload;              // what became of the last reload; "" when there was none
    int64_t reload_s;                // when, wall clock
    struct totals_report totals;
    const struct sandbox *sandbox; // of the workers; NULL: there are none
    const struct overview_listener *listeners;
    size_t listener_count;
};

// Fills in address and queue of a listening socket.
void overview_look_at(int fd, struct overview_listener *ret);

void overview_put_text(struct buf *b, const struct overview *s);

// One object, as documented in tined.8.
void overview_put_json(struct buf *b, const struct overview *s);
