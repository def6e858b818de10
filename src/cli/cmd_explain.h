// `tined explain`: how a request is answered, and why.
#pragma once

struct args;

// Asks the running master; with a configuration on the command line, or where no master answers,
// explains what that configuration would do. Returns the exit status: 0, 1 (it cannot be
// explained), 2 (no such URL), 78 (EX_CONFIG: the configuration is bad).
int cmd_explain(const struct args *args);
