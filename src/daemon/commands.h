// The commands of the control socket (daemon/control.h): a table, and what carries each out. Master
// only.
#pragma once

#include "daemon/explain_worker.h"
#include "daemon/log_reopen.h"
#include "daemon/status.h"
#include "daemon/upgrade.h"

// The parts that they work with: the context of each.
struct commands {
    struct generations *generations;
    struct service_manager *service_manager;
    struct outcome *outcome;
    struct reload *reload;
    struct upgrade *upgrade;
    struct stop *stop;
    struct explain_workers *explain_workers;
    const struct status *status;
    struct log_reopen *log_reopen;
    const char *file; // that the server runs; NULL: none
};

// Ends with one without a name.
extern const struct control_command commands_table[];
