// `tined check`: whether the configuration can be used, without serving.
#pragma once

struct args;

// Loads it, works out the listeners, opens every root and the access log. Errors go to stderr.
// Returns the exit status: 0, or 78 (EX_CONFIG).
int cmd_check(const struct args *args);
