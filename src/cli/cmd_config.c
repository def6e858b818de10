#include "cli/cmd_config.h"

#include "cli/config.h"
#include "conf/conf_dump.h"

#include <stdlib.h>
#include <string.h>

int cmd_config(const struct args *args)
{
    struct conf *c = config_load(args);
    if (!c)
        return CONFIG_EXIT_BAD;
    int error = conf_dump(stdout, c);
    if (error < 0)
        fprintf(stderr, "tined: cannot write the configuration: %s\n", strerror(-error));
    conf_free(c);
    return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
