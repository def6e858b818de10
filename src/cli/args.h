// The command line: which command, with which options.
//
// Two tables, of commands and of options, say what there is; the help screen and the completions
// come from them. No I/O but in args_print_help().
#pragma once

#include "conf/conf_source.h"

#include <stdbool.h>
#include <stdio.h>

// In the order of the command table. HELP and VERSION are asked for by --help and --version.
enum command {
    COMMAND_RUN,
    COMMAND_SERVE,
    COMMAND_CHECK,
    COMMAND_CONFIG,
    COMMAND_EXPLAIN,
    COMMAND_PRECOMPRESS,
    COMMAND_PROBE,
    COMMAND_STATUS,
    COMMAND_RELOAD,
    COMMAND_UPGRADE,
    COMMAND_REOPEN,
    COMMAND_DRAIN,
    COMMAND_STOP,
    COMMAND_COUNT
};
enum { COMMAND_HELP = COMMAND_COUNT, COMMAND_VERSION };

// The exit status for a command line that cannot be understood.
enum { ARGS_EXIT_USAGE = 2 };

struct args {
    char *const *argv;     // all of it
    int command;           // enum command, COMMAND_HELP or COMMAND_VERSION
    const char *file;      // the configuration; NULL: the command takes none
    bool file_is_given;    // by -c
    const char *directory; // of `serve` and `precompress`; NULL for the others
    const char *url;       // of `explain` and `probe`; NULL: not given
    const char *method;    // of `explain`, as are the next ones
    const char *client;
    const char *socket;  // also of the commands to a running server
    bool json;           // of `status`
    const char *connect; // of `probe`, as is the next one; not looked at; NULL: not given
    const char *timeout;
    size_t header_count;
    const char **headers;
    bool check, quiet; // of `precompress`, as are the next two
    const char *jobs;  // not looked at; NULL: not given
    const char *codings;
    size_t override_count; // what the command line sets, in order
    struct conf_override *overrides;
    char *texts; // private: what the overrides point at
};

#define ARGS_MESSAGE_MAX     256
#define ARGS_DEFAULT_TIMEOUT "5s" // of `probe`

// Reads the command line. Returns 0; or -EINVAL, with what is wrong and what would be right in
// `message`; or -ENOMEM. `ret` points into argv; args_cleanup() frees what it owns, after success
// only.
int args_parse(int argc, char **argv, struct args *ret, char message[static ARGS_MESSAGE_MAX]);

void args_cleanup(struct args *args);

void args_print_help(FILE *out);

// ---- the tables, for completions --------------------------------------------------------------

enum {
    ON_RUN = 1 << COMMAND_RUN,
    ON_SERVE = 1 << COMMAND_SERVE,
    ON_CHECK = 1 << COMMAND_CHECK,
    ON_CONFIG = 1 << COMMAND_CONFIG,
    ON_EXPLAIN = 1 << COMMAND_EXPLAIN,
    ON_PRECOMPRESS = 1 << COMMAND_PRECOMPRESS,
    ON_PROBE = 1 << COMMAND_PROBE,
    ON_STATUS = 1 << COMMAND_STATUS,
    // Orders to the running server.
    ON_CONTROL = ON_STATUS | 1 << COMMAND_RELOAD | 1 << COMMAND_UPGRADE | 1 << COMMAND_REOPEN |
                 1 << COMMAND_DRAIN | 1 << COMMAND_STOP,
    // Commands by the argument that they take.
    ON_DIRECTORY = ON_SERVE | ON_PRECOMPRESS,
    ON_URL = ON_EXPLAIN | ON_PROBE,
    ON_ALL = (1 << COMMAND_COUNT) - 1
};

enum args_value {
    VALUE_NONE,
    VALUE_FILE,
    VALUE_OPTION,
    VALUE_ADDRESS,
    VALUE_METHOD,
    VALUE_HEADER,
    VALUE_CLIENT,
    VALUE_SOCKET,
    VALUE_JOBS,
    VALUE_CODINGS,
    VALUE_CONNECT,
    VALUE_TIMEOUT,
    VALUE_COUNT
};

struct args_option {
    char letter; // '\0': has none
    const char *name;
    enum args_value value;
    const char *value_name; // e.g. "FILE"; NULL: takes none
    unsigned commands;      // on which it may stand
    const char *help;
};

struct args_command {
    const char *name;
    const char *synopsis;
    const char *help;
};

const struct args_command *args_command(enum command command);

// All options of the command line: for tools/gen-options.c.
const struct args_option *args_options(size_t *ret_count);
