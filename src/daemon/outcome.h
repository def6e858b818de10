// The outcome of the last reload or upgrade: kept for the status, told to the service manager and
// to those who wait for it at the control socket. Master only.
#pragma once

#include "base/util.h"
#include "daemon/control_waiters.h"
#include "daemon/service_manager.h"

struct outcome {
    struct service_manager *service_manager;
    struct control_waiters waiters;
    char text[256]; // "" when there was none
    int64_t at_s;   // wall clock
};

// Keeps it, has the service manager told, and tells those who wait.
void outcome_report(struct outcome *o, bool ok, const char *format, ...) PRINTF_LIKE(3, 4);

// The same, but those who wait go on doing so until outcome_tell().
void outcome_set(struct outcome *o, const char *format, ...) PRINTF_LIKE(2, 3);
void outcome_tell(struct outcome *o, bool ok);
