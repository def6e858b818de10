#include "cli/load_config.h"

#include "conf/conf_load.h"
#include "cli/args.h"
#include "base/log.h"

static void print_error(void *context, const char *where, const char *message)
{
    (void)context;
    log_event(EVENT_CONFIG_INVALID, NULL, "%s: %s", where, message);
}

static void say_nothing(void *context, const char *where, const char *message)
{
    (void)context;
    (void)where;
    (void)message;
}

static struct conf *load_and_report(const struct args *args, conf_report_cb *report)
{
    const struct conf_source source = {
        .file = args->file,
        .overrides = args->overrides,
        .override_count = args->override_count,
    };
    return conf_load(&source, report, NULL);
}

struct conf *load_config(const struct args *args)
{
    return load_and_report(args, print_error);
}

struct conf *load_config_silently(const struct args *args)
{
    return load_and_report(args, say_nothing);
}
