#include "cli/config.h"

#include "cli/args.h"
#include "base/log.h"
#include "http/hostname.h"
#include "sys/addr.h"

static const char *check_address(const char *value)
{
    struct addr address;
    return addr_parse(value, &address);
}

static const char *check_site_name(const char *value)
{
    const char *why = NULL;
    return hostname_is_valid_pattern(slice_of(value), &why) ? NULL : why;
}

static const char *check_log_level(const char *value)
{
    enum log_level level;
    if (log_level_parse(value, &level))
        return NULL;
    return "the levels are \"error\", \"warning\", \"notice\", \"info\" and \"debug\"";
}

static const struct conf_checkers checkers = {
    .address = check_address,
    .site_name = check_site_name,
    .log_level = check_log_level,
};

static void print_error(void *context, const char *where, const char *message)
{
    (void)context;
    log_err("%s: %s", where, message);
}

const struct conf_checkers *config_checkers(void)
{
    return &checkers;
}

struct conf *config_load(const struct args *args)
{
    const struct conf_source source = {
        .file = args->file,
        .overrides = args->overrides,
        .override_count = args->override_count,
        .checkers = &checkers,
    };
    return conf_load(&source, print_error, NULL);
}
