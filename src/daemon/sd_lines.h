// Lines for the service manager, and when each is due (sd_notify(3)): the phase of the service with
// what belongs to each, signs of life, requests for more time, a line for `systemctl status`.
//
// Pure: facts and the time in, text out. daemon/service_manager.c gathers the one and sends the
// other.
#pragma once

#include "base/buf.h"

#include <stdbool.h>

enum sd_lines_phase {
    SD_LINES_STARTING,
    SD_LINES_READY,
    SD_LINES_RELOADING, // or being upgraded; READY follows, whatever becomes of it
    SD_LINES_STOPPING,  // for good
};

// Room for all that is told at once. The manager drops what is longer than 4096 bytes.
#define SD_LINES_MAX        1024
#define SD_LINES_STATUS_MAX 512

// How often figures in the status are looked at anew.
#define SD_LINES_STATUS_PERIOD 10000 // ms

// In all phases but READY the manager's patience ends; it is told that this much more is needed,
// again and again, for as long as the server itself gives the phase.
#define SD_LINES_EXTENSION 10000 // ms

struct sd_lines {
    enum sd_lines_phase phase;
    int64_t watchdog;                 // a sign of life is wanted so often, ms; 0: none is
    int64_t life_at;                  // when the next one is due
    int64_t until;                    // no more time is asked for after this
    int64_t extend_at;                // when it is asked for next
    int64_t status_at;                // when figures are looked at next
    int64_t counted_at;               // when they were looked at last,
    uint64_t counted;                 // and how many requests there had been,
    uint64_t rate;                    // so many of them a second
    char status[SD_LINES_STATUS_MAX]; // that was told last
};

struct sd_lines_facts {
    const char *state;       // "serving"
    const char *outcome;     // of the last reload; "": there was none
    unsigned generation;     // 0: none yet
    unsigned workers, alive; // wanted, with a process
    uint64_t connections;    // open
    uint64_t requests;       // ever
    bool healthy;            // a loop of the current generation moves, or none has to
};

// A service that starts, or is being upgraded; the other values as in struct sd_lines.
void sd_lines_init(struct sd_lines *n, enum sd_lines_phase phase, int64_t until, int64_t watchdog);

// Enters a phase, for which the server gives itself until then: status due, and appends the line
// that says so: none when it is in that phase already (RELOADING is said anew), or is stopping.
// `now_us` is the exact time of the monotonic clock, which RELOADING carries.
void sd_lines_enter(struct sd_lines *n, enum sd_lines_phase phase, int64_t until, int64_t now_us,
                    struct buf *b);

// The status has changed: its line is due at once.
void sd_lines_change(struct sd_lines *n);

// Appends all lines that are due.
void sd_lines_do_due(struct sd_lines *n, const struct sd_lines_facts *facts, int64_t now,
                     struct buf *b);

// When something is due next.
int64_t sd_lines_next(const struct sd_lines *n);
