// Loading the configuration for a command: the layers' checkers are wired in here.
#pragma once

#include "conf/conf_load.h"

struct args;

// EX_CONFIG of sysexits.h: the exit status for a configuration that cannot be used.
#define CONFIG_EXIT_BAD 78

// Loads what the command line names. Errors are logged, a line each: "FILE:LINE: message".
// Returns the configuration, owned by the caller, or NULL.
struct conf *config_load(const struct args *args);

// The checkers of the layers that own these values, for who loads again without a command line.
const struct conf_checkers *config_checkers(void);
