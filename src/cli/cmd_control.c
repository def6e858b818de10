#include "cli/cmd_control.h"

#include "base/log.h"
#include "base/num.h"
#include "cli/control_client.h"
#include "cli/load_config.h"
#include "conf/conf_options.h"
#include "daemon/control_message.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MAX (128u << 10)

struct exchange {
    char answer_text[ANSWER_MAX];
    struct buf answer;
    pid_t server;
};

static int print(struct slice text)
{
    fwrite(text.ptr, 1, text.len, stdout);
    if (text.len && text.ptr[text.len - 1] != '\n')
        putchar('\n');
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// A fault may be several lines, each of which was an error of its own.
static int log_faults(struct slice text)
{
    while (text.ptr) {
        struct slice line = slice_split(&text, '\n');
        log_err("%.*s", SLICE_ARG(line));
    }
    return EXIT_FAILURE;
}

// A unit's own command, such as its ExecReload=, is told the unit's main process, and writes where
// that one writes (systemd.service(5)): an error that the server has logged would stand there
// twice.
static bool shares_log_with(pid_t server)
{
    uint64_t main_process;
    struct slice text = slice_of(getenv("MAINPID"));
    return server > 0 && text.ptr && num_parse_dec(text, INT_MAX, &main_process) &&
           (pid_t)main_process == server;
}

// A server of an earlier version has carried the command out, unless it takes arguments.
static int show_old(struct slice answer, bool is_good)
{
    log_line(is_good ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERR,
             "the server is of an earlier version of tined; it says: %.*s", SLICE_ARG(answer));
    return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

// logrotate runs this command for cron, which mails what it says.
static bool is_silent(const struct args *args)
{
    return args->command == COMMAND_REOPEN && !isatty(STDOUT_FILENO);
}

static int show(const struct exchange *o, const struct args *args)
{
    struct slice text;
    enum control_message_answer kind = control_message_parse_answer(buf_slice(&o->answer), &text);
    switch (kind) {
    case CONTROL_MESSAGE_RESULT:
        return is_silent(args) ? EXIT_SUCCESS : print(text);
    case CONTROL_MESSAGE_ERROR:
        return log_faults(text);
    case CONTROL_MESSAGE_LOGGED_ERROR:
        return shares_log_with(o->server) ? EXIT_FAILURE : log_faults(text);
    case CONTROL_MESSAGE_OLD_RESULT:
    case CONTROL_MESSAGE_OLD_ERROR:
        return show_old(text, kind == CONTROL_MESSAGE_OLD_RESULT && !args->json);
    case CONTROL_MESSAGE_NONE:
        break;
    }
    log_err("the server has ended before it could tell the outcome");
    return EXIT_FAILURE;
}

// Where the running server listens: as told, as configured, or where it does by default.
static int send_order(struct exchange *o, const struct args *args, struct slice request)
{
    struct conf *conf = args->socket ? NULL : load_config_silently(args);
    const char *path = args->socket ? args->socket
                       : conf       ? conf->control
                                    : conf_options_find(SLICE("control"))->def;
    int r = *path ? control_client_ask(path, request, &o->answer, &o->server) : -ENOENT;
    if (r < 0 && !args->socket && !conf)
        conf = load_config(args); // says why the path is the default
    if (r < 0)
        log_err("the server cannot be asked at %s: %s", *path ? path : "any socket", strerror(-r));
    conf_free(conf);
    return r;
}

// With -c the command is for the server that runs this file, wherever the file says that it
// listens.
static int append_file_path(struct buf *b, const char *file)
{
    char path[PATH_MAX];
    if (!realpath(file, path)) {
        log_err("%s: %s", file, strerror(errno));
        return -errno;
    }
    buf_printf(b, CONTROL_MESSAGE_FILE "%s\n", path);
    return 0;
}

static int send_command(struct exchange *o, const struct args *args)
{
    char text[64 + PATH_MAX];
    struct buf request = buf_make(text, sizeof(text));
    control_message_begin_request(&request, args_command((enum command)args->command)->name);
    buf_puts(&request, args->json ? "json\n" : "\n");
    int r = args->file_is_given && !args->socket ? append_file_path(&request, args->file) : 0;
    if (r == 0)
        r = send_order(o, args, buf_slice(&request));
    return r == 0 ? show(o, args) : EXIT_FAILURE;
}

int cmd_control(const struct args *args)
{
    struct exchange *o = calloc(1, sizeof(*o));
    if (!o) {
        log_err("no memory");
        return EXIT_FAILURE;
    }
    o->answer = buf_make(o->answer_text, sizeof(o->answer_text));
    int status = send_command(o, args);
    free(o);
    return status;
}
