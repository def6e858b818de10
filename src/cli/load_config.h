// Loading the configuration for a command, with its errors in the log.
#pragma once

#include "conf/conf.h"

struct args;

// EX_CONFIG of sysexits.h: the exit status for a configuration that cannot be used.
#define LOAD_CONFIG_EXIT_BAD 78

// Loads what the command line names. Errors are logged, a line each: "FILE:LINE: message".
// Returns the configuration, owned by the caller, or NULL.
struct conf *load_config(const struct args *args);

// The same without a word: the server that is asked next says what is wrong.
struct conf *load_config_silently(const struct args *args);
