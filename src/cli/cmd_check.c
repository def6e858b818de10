#include "cli/cmd_check.h"

#include "cli/args.h"
#include "cli/config.h"
#include "daemon/generation.h"

#include <stdio.h>
#include <stdlib.h>

int cmd_check(const struct args *args)
{
    struct conf *conf = config_load(args);
    if (!conf)
        return CONFIG_EXIT_BAD;
    bool good = generation_check(conf, false);
    if (good)
        printf("%s can be used\n", args->file ? args->file : "The configuration");
    conf_free(conf);
    return good ? EXIT_SUCCESS : CONFIG_EXIT_BAD;
}
