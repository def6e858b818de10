// `tined config`: the value of every option and where it came from, as a configuration file.
#pragma once

struct args;

// Returns the exit status: 0, 1 (cannot write), 78 (EX_CONFIG: the configuration is bad).
int cmd_config(const struct args *args);
