// Formats the status for `tined status`, as text and as JSON: facts in, bytes out. No I/O but in
// status_format_look_at(), which asks the kernel about a listening socket.
#pragma once

#include "base/buf.h"
#include "daemon/totals.h"
#include "base/endpoint.h"
#include "sys/sandbox.h"

#include <sys/types.h>

struct status_format_listener {
    char address[ENDPOINT_TEXT_MAX];
    bool is_tcp;              // only then the next two are known
    uint32_t queued, backlog; // connections that wait to be accepted, and how many may
};

// The most roots that are named because they do not answer.
#define STATUS_FORMAT_SILENT 8u

struct status_format {
    pid_t pid;
    int64_t uptime_s;
    unsigned generation;
    unsigned workers, alive, ending; // wanted, with a process; processes of ending generations
    const char *state;               // "serving", "draining", "starting", "stopping"
    const char *reload;              // what became of the last reload; "" when there was none
    int64_t reload_s;                // when, wall clock
    struct totals_report totals;
    const char *silent[STATUS_FORMAT_SILENT]; // roots that do not answer, the first of
    size_t silent_count;                      // so many
    const struct sandbox *sandbox;            // of the workers; NULL: there are none
    const struct status_format_listener *listeners;
    size_t listener_count;
};

// Fills in address and queue of a listening socket.
void status_format_look_at(int fd, struct status_format_listener *ret);

void status_format_text(struct buf *b, const struct status_format *s);

// One object. Its counters are documented in tined.8.
void status_format_json(struct buf *b, const struct status_format *s);
