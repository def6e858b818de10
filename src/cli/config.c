#include "cli/config.h"

#include "cli/args.h"
#include "base/log.h"
#include "base/network.h"
#include "http/encoding.h"
#include "http/fieldline.h"
#include "http/glob.h"
#include "http/hostname.h"
#include "http/preset.h"
#include "http/rulecheck.h"
#include "http/template.h"
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

static const char *check_network(const char *value)
{
    struct network network;
    return network_parse(value, &network);
}

static const char *check_glob(const char *value)
{
    if (value[0] != '/')
        return "paths begin with '/'; \"/**/NAME\" is a name in any directory";
    return glob_check(slice_of(value));
}

static const char *check_coding(const char *value)
{
    enum coding coding;
    if (encoding_parse(slice_of(value), &coding))
        return NULL;
    return "the codings are \"zstd\", \"br\" and \"gzip\"";
}

static const char *check_header_set(const char *value)
{
    return fieldline_check(FIELDLINE_SET, slice_of(value));
}

static const char *check_header_add(const char *value)
{
    return fieldline_check(FIELDLINE_ADD, slice_of(value));
}

static const char *check_header_unset(const char *value)
{
    return fieldline_check(FIELDLINE_UNSET, slice_of(value));
}

static size_t captures(const char *pattern)
{
    return glob_captures(slice_of(pattern));
}

static unsigned last_capture(const char *template)
{
    return template_last_capture(slice_of(template));
}

// Checkers of the HTTP layer take slices.
#define OF_SLICE(name, function)               \
    static const char *name(const char *value) \
    {                                          \
        return function(slice_of(value));      \
    }
OF_SLICE(check_preset, preset_check)
OF_SLICE(check_field_value, rulecheck_field_value)
OF_SLICE(check_token, rulecheck_token)
OF_SLICE(check_media_type, rulecheck_media_type)
OF_SLICE(check_types_line, rulecheck_types_line)
OF_SLICE(check_origin, rulecheck_origin)
OF_SLICE(check_redirect, rulecheck_redirect)
OF_SLICE(check_path, rulecheck_path)
OF_SLICE(check_file, rulecheck_file)
OF_SLICE(check_directory, rulecheck_directory)
OF_SLICE(check_error_page, rulecheck_error_page)
#undef OF_SLICE

static const struct conf_checkers checkers = {
    .check =
        {
            [CHECK_ADDRESS] = check_address,
            [CHECK_SITE_NAME] = check_site_name,
            [CHECK_LOG_LEVEL] = check_log_level,
            [CHECK_GLOB] = check_glob,
            [CHECK_NETWORK] = check_network,
            [CHECK_HEADER_SET] = check_header_set,
            [CHECK_HEADER_ADD] = check_header_add,
            [CHECK_HEADER_UNSET] = check_header_unset,
            [CHECK_PRESET] = check_preset,
            [CHECK_FIELD_VALUE] = check_field_value,
            [CHECK_TOKEN] = check_token,
            [CHECK_MEDIA_TYPE] = check_media_type,
            [CHECK_TYPES_LINE] = check_types_line,
            [CHECK_CODING] = check_coding,
            [CHECK_ORIGIN] = check_origin,
            [CHECK_REDIRECT] = check_redirect,
            [CHECK_PATH] = check_path,
            [CHECK_FILE] = check_file,
            [CHECK_DIRECTORY] = check_directory,
            [CHECK_ERROR_PAGE] = check_error_page,
        },
    .captures = captures,
    .last_capture = last_capture,
};

static void print_error(void *context, const char *where, const char *message)
{
    (void)context;
    log_event(EVENT_CONFIG_INVALID, NULL, "%s: %s", where, message);
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
