// tined status, reload, upgrade, reopen, drain and stop: orders to the running master, over its
// control socket.
#pragma once

#include "cli/args.h"

// Sends the order that the command is called like, waits for the outcome, and shows it. Returns the
// exit status: 0 when it went well.
int cmd_order(const struct args *args);
