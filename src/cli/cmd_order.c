#include "cli/cmd_order.h"

#include "base/json.h"
#include "base/log.h"
#include "cli/ask.h"
#include "cli/config.h"
#include "conf/conf_options.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_MAX (128u << 10)

struct order {
    char answer_text[ANSWER_MAX], shown_text[ANSWER_MAX];
    struct buf answer, shown;
};

static int print(struct slice text)
{
    fwrite(text.ptr, 1, text.len, stdout);
    if (text.len && text.ptr[text.len - 1] != '\n')
        putchar('\n');
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// A fault may be several lines, each of which was an error of its own.
static int complain(struct slice text)
{
    while (text.ptr) {
        struct slice line = slice_split(&text, '\n');
        log_err("%.*s", SLICE_ARG(line));
    }
    return EXIT_FAILURE;
}

static int show(struct order *o, bool json)
{
    struct slice answer = buf_slice(&o->answer);
    if (json_find(answer, SLICE("error"), &o->shown))
        return complain(buf_slice(&o->shown));
    if (json)
        return print(answer);
    o->shown.len = 0;
    if (json_find(answer, SLICE("result"), &o->shown))
        return print(buf_slice(&o->shown));
    log_err("the server has ended before it could say what became of it");
    return EXIT_FAILURE;
}

// Where the running server listens: as told, as configured, or where it does by default.
static int send_order(struct order *o, const struct args *args, struct slice request)
{
    struct conf *conf = args->socket ? NULL : config_load(args);
    const char *path = args->socket ? args->socket
                       : conf       ? conf->control
                                    : conf_options_find(SLICE("control"))->def;
    int r = *path ? ask_master(path, request, &o->answer) : -ENOENT;
    if (r < 0)
        log_err("the server cannot be asked at %s: %s", *path ? path : "any socket", strerror(-r));
    conf_free(conf);
    return r;
}

int cmd_order(const struct args *args)
{
    char text[64];
    struct buf request = buf_make(text, sizeof(text));
    struct order *o = calloc(1, sizeof(*o));
    if (!o) {
        log_err("no memory");
        return EXIT_FAILURE;
    }
    o->answer = buf_make(o->answer_text, sizeof(o->answer_text));
    o->shown = buf_make(o->shown_text, sizeof(o->shown_text));
    buf_puts(&request, args_command((enum command)args->command)->name);
    buf_puts(&request, args->json ? " json\n" : "\n");
    int status = send_order(o, args, buf_slice(&request)) == 0 ? show(o, args->json) : EXIT_FAILURE;
    free(o);
    return status;
}
