#include "cli/cmd_check.h"

#include "cli/args.h"
#include "cli/config.h"
#include "daemon/generation.h"
#include "server/confinement.h"

#include <stdio.h>
#include <stdlib.h>

static void print_sandbox(const struct sandbox *s)
{
    char text[1024];
    struct buf b = buf_make(text, sizeof(text));
    confinement_describe_landlock(&b, s);
    buf_putc(&b, '\n');
    confinement_describe_seccomp(&b, s);
    printf("%.*s\n", (int)b.len, text);
}

int cmd_check(const struct args *args)
{
    struct conf *conf = config_load(args);
    if (!conf)
        return CONFIG_EXIT_BAD;
    struct sandbox sandbox;
    bool good = generation_check(conf, false, &sandbox);
    if (good) {
        printf("%s can be used\n", args->file ? args->file : "The configuration");
        print_sandbox(&sandbox);
    }
    sandbox_cleanup(&sandbox);
    conf_free(conf);
    return good ? EXIT_SUCCESS : CONFIG_EXIT_BAD;
}
