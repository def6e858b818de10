#include "cli/cmd_check.h"

#include "cli/args.h"
#include "cli/load_config.h"
#include "conf/conf_advice.h"
#include "base/log.h"
#include "daemon/generation.h"
#include "server/worker_sandbox.h"

#include <stdio.h>
#include <stdlib.h>

static void print_sandbox(const struct sandbox *s)
{
    char text[1024];
    struct buf b = buf_make(text, sizeof(text));
    worker_sandbox_describe_landlock(&b, s);
    buf_putc(&b, '\n');
    worker_sandbox_describe_seccomp(&b, s);
    printf("%.*s\n", (int)b.len, text);
}

static void print_advice(void *context, const char *where, const char *message)
{
    (void)context;
    log_warn("%s: %s", where, message);
}

int cmd_check(const struct args *args)
{
    struct conf *conf = load_config(args);
    if (!conf)
        return LOAD_CONFIG_EXIT_BAD;
    struct sandbox sandbox;
    conf_advise(conf, print_advice, NULL);
    bool good = generation_check(conf, false, &sandbox);
    if (good) {
        printf("%s can be used\n", args->file ? args->file : "The configuration");
        print_sandbox(&sandbox);
    }
    sandbox_cleanup(&sandbox);
    conf_free(conf);
    return good ? EXIT_SUCCESS : LOAD_CONFIG_EXIT_BAD;
}
