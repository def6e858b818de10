// Wiring only: the command line, then the command.
#include "base/log.h"
#include "cli/args.h"
#include "cli/cmd_check.h"
#include "cli/cmd_config.h"
#include "cli/cmd_explain.h"
#include "cli/cmd_control.h"
#include "cli/cmd_precompress.h"
#include "cli/cmd_probe.h"
#include "cli/cmd_run.h"
#include "sys/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int command_cb(const struct args *args);

static command_cb *const commands[COMMAND_COUNT] = {
    [COMMAND_RUN] = cmd_run,         [COMMAND_SERVE] = cmd_serve,
    [COMMAND_CHECK] = cmd_check,     [COMMAND_CONFIG] = cmd_config,
    [COMMAND_EXPLAIN] = cmd_explain, [COMMAND_PRECOMPRESS] = cmd_precompress,
    [COMMAND_PROBE] = cmd_probe,     [COMMAND_STATUS] = cmd_control,
    [COMMAND_RELOAD] = cmd_control,  [COMMAND_UPGRADE] = cmd_control,
    [COMMAND_REOPEN] = cmd_control,  [COMMAND_DRAIN] = cmd_control,
    [COMMAND_STOP] = cmd_control,
};

static int print_help(void)
{
    args_print_help(stdout);
    return EXIT_SUCCESS;
}

static int print_version(void)
{
    puts("tined " PACKAGE_VERSION);
    return EXIT_SUCCESS;
}

// A descriptor that is opened later must not become what the others take for stdio. Each one that
// is closed is the lowest, and so what open() returns.
static int open_stdio(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct args args;
    char message[ARGS_MESSAGE_MAX];
    if (open_stdio() < 0)
        return EXIT_FAILURE; // nowhere to say why
    log_init("tined");
    log_set_sink(journal_log);
    if (args_parse(argc, argv, &args, message) < 0) {
        log_err("%s", message);
        return ARGS_EXIT_USAGE;
    }
    int status = args.command == COMMAND_HELP      ? print_help()
                 : args.command == COMMAND_VERSION ? print_version()
                                                   : commands[args.command](&args);
    args_cleanup(&args);
    return status;
}
