// Has the access logs of all generations opened anew, by a process that may wait for their file
// systems (daemon/fetch.h), and tells those who have asked. Master only.
#pragma once

#include "daemon/fetch.h"
#include "daemon/generations.h"
#include "daemon/reload_policy.h"

// The most that wait for it at one time; a further one is told so at once.
#define LOG_REOPEN_WAITERS 8u

struct log_reopen {
    struct generations *generations;
    struct fetches *fetches;
    // Of its own:
    struct fetch *fetch; // under way, or NULL
    bool is_wanted;      // once more behind it, for files may have been renamed meanwhile
    char *names[RELOAD_POLICY_GENERATIONS_MAX]; // of the logs that it opens
    size_t name_count;
    int waiters[LOG_REOPEN_WAITERS];
    unsigned waiter_count, due; // the first so many wait for what is under way
};

// Opens them anew, and answers then on `fd`, of which the caller keeps its own; -1: nobody waits. A
// log that cannot be opened is logged, and the old one goes on.
void log_reopen_start(struct log_reopen *r, int fd);

// Another image of the program is about to take over, which opens logs itself: what is under way is
// interrupted, and those who wait are told so.
void log_reopen_interrupt(struct log_reopen *r);

// None has taken over: begins anew what was interrupted.
void log_reopen_go_on(struct log_reopen *r);

// Forgets what is under way.
void log_reopen_cleanup(struct log_reopen *r);
