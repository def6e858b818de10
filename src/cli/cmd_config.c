#include "cli/cmd_config.h"

#include "base/log.h"
#include "cli/args.h"
#include "cli/load_config.h"
#include "conf/conf_dump.h"

#include <stdlib.h>
#include <string.h>

int cmd_config(const struct args *args)
{
    struct conf *c = load_config(args);
    if (!c)
        return LOAD_CONFIG_EXIT_BAD;
    int error = conf_dump(stdout, c);
    if (error < 0)
        log_err("cannot write the configuration: %s", strerror(-error));
    conf_free(c);
    return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
