#include "precompress/options.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/util.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#define USAGE "usage: tined precompress [--check] [-j N] [--codings LIST] [-q] DIR"

enum { OPTION_CHECK = 'n', OPTION_CODINGS = 'z' }; // have no letter on the command line

static const struct option long_options[] = {
    {"check", no_argument, NULL, OPTION_CHECK},
    {"codings", required_argument, NULL, OPTION_CODINGS},
    {"jobs", required_argument, NULL, 'j'},
    {"quiet", no_argument, NULL, 'q'},
    {0},
};

static int refuse_options(char *message, const char *format, ...) PRINTF_LIKE(2, 3);

static int refuse_options(char *message, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, OPTIONS_MESSAGE_MAX, format, args);
    va_end(args);
    return -EINVAL;
}

static int refuse_coding(char *message, struct slice name)
{
    size_t count;
    const struct compressor *all = compressor_all(&count);
    struct buf b = buf_make(message, OPTIONS_MESSAGE_MAX - 1);
    buf_printf(&b, "no coding \"%.*s\"; there are", (int)MIN(name.len, 60), name.ptr);
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s %s", i ? "," : "", compressor_name(&all[i]));
    message[b.len] = '\0';
    return -EINVAL;
}

static bool has_compressor(const struct options *o, size_t count, const struct compressor *c)
{
    for (size_t i = 0; i < count; i++)
        if (o->compressors[i] == c)
            return true;
    return false;
}

static int take_codings(struct options *o, const char *value, char *message)
{
    struct slice rest = slice_of(value);
    size_t count = 0;
    while (rest.ptr) {
        struct slice name = slice_trim(slice_split(&rest, ','));
        const struct compressor *c = compressor_find(name);
        if (!c)
            return refuse_coding(message, name);
        if (!has_compressor(o, count, c))
            o->compressors[count++] = c;
    }
    o->compressors[count] = NULL;
    return 0;
}

static int take_threads(struct options *o, const char *value, char *message)
{
    uint64_t threads;
    if (!num_parse_dec(slice_of(value), OPTIONS_THREADS_MAX, &threads) || threads == 0)
        return refuse_options(message, "-j takes a number from 1 to %d; found \"%.60s\"",
                              OPTIONS_THREADS_MAX, value);
    o->threads = (unsigned)threads;
    return 0;
}

static int apply_option(struct options *o, int option, char *message)
{
    switch (option) {
    case OPTION_CHECK:
        o->check = true;
        return 0;
    case OPTION_CODINGS:
        return take_codings(o, optarg, message);
    case 'j':
        return take_threads(o, optarg, message);
    case 'q':
        o->quiet = true;
        return 0;
    default:
        return refuse_options(message, USAGE);
    }
}

static void take_all_codings(struct options *o)
{
    size_t count;
    const struct compressor *all = compressor_all(&count);
    for (size_t i = 0; i < count; i++)
        o->compressors[i] = &all[i];
}

int options_parse(int argc, char **argv, struct options *ret,
                  char message[static OPTIONS_MESSAGE_MAX])
{
    struct options o = {0};
    int option, error = 0;
    take_all_codings(&o);
    opterr = 0; // the message is ours
    optind = 0; // from the beginning, also when called again
    while (error == 0 && (option = getopt_long(argc, argv, "j:q", long_options, NULL)) != -1)
        error = apply_option(&o, option, message);
    if (error == 0 && optind != argc - 1)
        error = refuse_options(message, optind == argc ? "which directory? " USAGE : USAGE);
    if (error < 0)
        return error;
    o.directory = argv[optind];
    *ret = o;
    return 0;
}
