// tined status, reload, upgrade, reopen, drain and stop: commands to the running master, over its
// control socket.
#pragma once

#include "cli/args.h"

// Sends the command of that name to the master, waits for the outcome, and shows it. Returns the
// exit status: 0 when it went well.
int cmd_control(const struct args *args);
