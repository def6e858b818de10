#include "cli/args.h"

#include "conf/suggest.h"
#include "base/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define DEFAULT_FILE          SYSCONFDIR "/tined/tined.conf"
#define DEFAULT_SERVE_ADDRESS "*:8080"
#define CONTROL_SYNOPSIS      "[-c FILE] [-s SOCKET]"

enum {
    SPELLING_MAX = 32,
    NO_OPTION = ON_PRECOMPRESS | ON_PROBE, // of the configuration
};

static const struct args_command commands[COMMAND_COUNT] = {
    [COMMAND_RUN] = {"run", "[-c FILE] [-o OPTION=VALUE]...",
                     "serve what the configuration says, in the foreground (the default)"},
    [COMMAND_SERVE] = {"serve", "[DIR] [-l ADDRESS]... [-o OPTION=VALUE]...",
                       "serve one directory without a configuration file"},
    [COMMAND_CHECK] = {"check", "[-c FILE] [-o OPTION=VALUE]...",
                       "check the configuration and the files it names"},
    [COMMAND_CONFIG] = {"config", "[-c FILE] [-o OPTION=VALUE]...",
                        "show the value of every option and where it came from"},
    [COMMAND_EXPLAIN] = {"explain", "[-c FILE] [-m METHOD] [-H HEADER]... URL",
                         "tell how a request is answered, and why"},
    [COMMAND_PRECOMPRESS] = {"precompress", "[--check] [-j N] [--codings LIST] [-q] DIR",
                             "make or check the compressed siblings of files"},
    [COMMAND_PROBE] = {"probe", "[--connect ADDRESS] [-t TIME] URL",
                       "request a URL, and tell by the exit status whether the answer is good"},
    [COMMAND_STATUS] = {"status", CONTROL_SYNOPSIS " [--json]",
                        "show what the running server does"},
    [COMMAND_RELOAD] = {"reload", CONTROL_SYNOPSIS,
                        "make it read its configuration anew, and print the outcome"},
    [COMMAND_UPGRADE] = {"upgrade", CONTROL_SYNOPSIS,
                         "make it execute the program anew, and print the outcome"},
    [COMMAND_REOPEN] = {"reopen", CONTROL_SYNOPSIS, "make it open its log files anew"},
    [COMMAND_DRAIN] = {"drain", CONTROL_SYNOPSIS,
                       "make it tell balancers to go elsewhere, until the next reload"},
    [COMMAND_STOP] = {"stop", CONTROL_SYNOPSIS, "make it finish the answers under way, and end"},
};

static const struct args_option options[] = {
    {'c', "config", VALUE_FILE, "FILE", ON_ALL & ~(ON_SERVE | NO_OPTION),
     "read this configuration file (default " DEFAULT_FILE ")"},
    {'o', "option", VALUE_OPTION, "OPTION=VALUE", ON_ALL & ~NO_OPTION,
     "set an option of the configuration, e.g. timeouts.idle=30s"},
    {'l', "listen", VALUE_ADDRESS, "ADDRESS", ON_SERVE,
     "listen on this address (default " DEFAULT_SERVE_ADDRESS ")"},
    {'m', "method", VALUE_METHOD, "METHOD", ON_EXPLAIN, "explain a request of this method (GET)"},
    {'H', "header", VALUE_HEADER, "HEADER", ON_EXPLAIN,
     "explain a request with this field, e.g. -H 'Accept-Encoding: br'"},
    {'a', "client", VALUE_CLIENT, "ADDRESS", ON_EXPLAIN,
     "explain a request of this client: an IP address or \"unix\" (127.0.0.1)"},
    {'s', "socket", VALUE_SOCKET, "PATH", ON_EXPLAIN | ON_CONTROL,
     "ask the server whose control socket this is"},
    {'\0', "json", VALUE_NONE, NULL, ON_STATUS, "show it as JSON"},
    {'\0', "check", VALUE_NONE, NULL, ON_PRECOMPRESS,
     "only report siblings that are stale or missing"},
    {'j', "jobs", VALUE_JOBS, "N", ON_PRECOMPRESS,
     "compress so many files at once (default: one per CPU)"},
    {'\0', "codings", VALUE_CODINGS, "LIST", ON_PRECOMPRESS,
     "make these, e.g. br,gzip (default: zstd,br,gzip)"},
    {'q', "quiet", VALUE_NONE, NULL, ON_PRECOMPRESS, "only report errors"},
    {'\0', "connect", VALUE_CONNECT, "ADDRESS", ON_PROBE,
     "connect here, e.g. unix:/run/http.sock (default: the URL's host)"},
    {'t', "timeout", VALUE_TIMEOUT, "TIME", ON_PROBE,
     "give up after so long altogether (default " ARGS_DEFAULT_TIMEOUT ")"},
    {'h', "help", VALUE_NONE, NULL, ON_ALL, "show this help"},
    {'V', "version", VALUE_NONE, NULL, ON_ALL, "show the version"},
};

// The state of args_parse().
struct parser {
    int argc;
    char **argv;
    int at; // argument to look at next
    struct args args;
    char *next_text; // free room in args.texts
    bool command_given;
    unsigned seen; // bit i: options[i] was given
    char *message;
};

static int refuse_arguments(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);

static int refuse_arguments(struct parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->message, ARGS_MESSAGE_MAX, format, args);
    va_end(args);
    return -EINVAL;
}

const struct args_command *args_command(enum command command)
{
    return &commands[command];
}

const struct args_option *args_options(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(options);
    return options;
}

static void add_override(struct parser *p, const char *option, const char *value, const char *from)
{
    p->args.overrides[p->args.override_count++] = (struct conf_override){option, value, from};
}

// The option's name is cut off in a copy: argv is needed whole to execute the program again.
static int take_assignment(struct parser *p, const char *value)
{
    const char *equals = strchr(value, '=');
    if (!equals || equals == value)
        return refuse_arguments(
            p, "-o takes OPTION=VALUE, e.g. -o timeouts.idle=30s; found \"%.60s\"", value);
    size_t len = (size_t)(equals - value);
    char *name = p->next_text;
    memcpy(name, value, len);
    name[len] = '\0';
    p->next_text += len + 1;
    add_override(p, name, equals + 1, "-o");
    return 0;
}

// The option as it is written: "-c", or "--check" of one without a letter.
static const char *spell(const struct args_option *option, char text[static SPELLING_MAX])
{
    if (option->letter)
        snprintf(text, SPELLING_MAX, "-%c", option->letter);
    else
        snprintf(text, SPELLING_MAX, "--%s", option->name);
    return text;
}

// Sets what may be given once.
static int take_single(struct parser *p, const struct args_option *option, const char *value)
{
    const char **const places[VALUE_COUNT] = {
        [VALUE_FILE] = &p->args.file,       [VALUE_METHOD] = &p->args.method,
        [VALUE_CLIENT] = &p->args.client,   [VALUE_SOCKET] = &p->args.socket,
        [VALUE_CONNECT] = &p->args.connect, [VALUE_TIMEOUT] = &p->args.timeout,
    };
    const char **place = places[option->value];
    char text[SPELLING_MAX];
    if (*place)
        return refuse_arguments(p, "%s stands twice; it may be given once", spell(option, text));
    *place = value;
    return 0;
}

static int take_header(struct parser *p, const char *value)
{
    if (!strchr(value, ':') || strpbrk(value, "\r\n"))
        return refuse_arguments(p, "-H takes a field, e.g. -H 'Accept: text/html'; found \"%.60s\"",
                                value);
    p->args.headers[p->args.header_count++] = value;
    return 0;
}

static int take_option(struct parser *p, const struct args_option *option, const char *value)
{
    p->seen |= 1u << (option - options);
    switch (option->value) {
    case VALUE_FILE:
    case VALUE_METHOD:
    case VALUE_CLIENT:
    case VALUE_SOCKET:
    case VALUE_CONNECT:
    case VALUE_TIMEOUT:
        return take_single(p, option, value);
    case VALUE_OPTION:
        return take_assignment(p, value);
    case VALUE_HEADER:
        return take_header(p, value);
    case VALUE_ADDRESS:
        add_override(p, "listen", value, "-l");
        break;
    case VALUE_JOBS:
        p->args.jobs = value;
        break;
    case VALUE_CODINGS:
        p->args.codings = value;
        break;
    case VALUE_NONE:
    case VALUE_COUNT:
        break;
    }
    return 0;
}

// The value is what stands behind the option in the same argument, or the next argument.
static int take_with_value(struct parser *p, const struct args_option *option, const char *rest)
{
    char text[SPELLING_MAX];
    if (option->value == VALUE_NONE)
        return rest ? refuse_arguments(p, "--%s takes no value", option->name)
                    : take_option(p, option, NULL);
    if (!rest && p->at == p->argc)
        return refuse_arguments(p, "%s needs a value: %s %s", spell(option, text), text,
                                option->value_name);
    return take_option(p, option, rest ? rest : p->argv[p->at++]);
}

static int take_long(struct parser *p, const char *text)
{
    const char *equals = strchr(text, '=');
    struct slice name = slice_make(text, equals ? (size_t)(equals - text) : strlen(text));
    struct suggest n = suggest_for(name);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (slice_equal(name, slice_of(options[i].name)))
            return take_with_value(p, &options[i], equals ? equals + 1 : NULL);
        suggest_offer(&n, slice_of(options[i].name), options[i].name);
    }
    if (n.best)
        return refuse_arguments(p, "unknown option \"--%.60s\"; did you mean \"--%s\"?", text,
                                n.best);
    return refuse_arguments(p, "unknown option \"--%.60s\"; see tined --help", text);
}

static int take_short(struct parser *p, const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (options[i].letter == text[0])
            return take_with_value(p, &options[i], text[1] ? text + 1 : NULL);
    return refuse_arguments(p, "unknown option \"-%.60s\"; see tined --help", text);
}

static int take_command(struct parser *p, const char *word)
{
    struct suggest n = suggest_for(slice_of(word));
    p->command_given = true;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        suggest_offer(&n, slice_of(commands[i].name), commands[i].name);
        if (strcmp(word, commands[i].name) == 0) {
            p->args.command = (int)i;
            return 0;
        }
    }
    if (n.best)
        return refuse_arguments(p, "unknown command \"%.60s\"; did you mean \"%s\"?", word, n.best);
    if (strchr(word, '/') || strcmp(word, ".") == 0)
        return refuse_arguments(
            p, "unknown command \"%.60s\"; to serve a directory write: tined serve %.60s", word,
            word);
    return refuse_arguments(p, "unknown command \"%.60s\"; see tined --help", word);
}

static int take_positional(struct parser *p, const char *word)
{
    if (!p->command_given)
        return take_command(p, word);
    const char **place = ON_DIRECTORY & 1u << p->args.command ? &p->args.directory
                         : ON_URL & 1u << p->args.command     ? &p->args.url
                                                              : NULL;
    if (place && !*place) {
        *place = word;
        return 0;
    }
    return refuse_arguments(p, "\"%.60s\" is one argument too many; usage: tined %s %s", word,
                            commands[p->args.command].name, commands[p->args.command].synopsis);
}

static int take_all(struct parser *p)
{
    bool words_only = false;
    int error = 0;
    while (p->at < p->argc && error == 0) {
        const char *text = p->argv[p->at++];
        if (words_only || text[0] != '-' || text[1] == '\0')
            error = take_positional(p, text);
        else if (strcmp(text, "--") == 0)
            words_only = true;
        else if (text[1] == '-')
            error = take_long(p, text + 2);
        else
            error = take_short(p, text + 1);
    }
    return error;
}

static bool was_given(const struct parser *p, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (strcmp(options[i].name, name) == 0)
            return p->seen & 1u << i;
    return false;
}

static int check_fit(struct parser *p)
{
    char text[SPELLING_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        bool fits = options[i].commands & 1u << p->args.command;
        if (p->seen & 1u << i && !fits)
            return refuse_arguments(p, "%s does not go with \"%s\"; usage: tined %s %s",
                                    spell(&options[i], text), commands[p->args.command].name,
                                    commands[p->args.command].name,
                                    commands[p->args.command].synopsis);
    }
    return 0;
}

static bool sets(const struct args *args, const char *option)
{
    for (size_t i = 0; i < args->override_count; i++)
        if (strcmp(args->overrides[i].option, option) == 0)
            return true;
    return false;
}

// Without a configuration file somebody sits before it, and wants to see the requests.
static void complete_serve(struct parser *p)
{
    if (!sets(&p->args, "listen"))
        add_override(p, "listen", DEFAULT_SERVE_ADDRESS, "serve");
    if (!sets(&p->args, "log.access"))
        add_override(p, "log.access", "stdout", "serve");
    if (!p->args.directory)
        p->args.directory = ".";
    add_override(p, "sites", p->args.directory, "serve");
}

// It writes files: which directory is not guessed.
static int complete_precompress(struct parser *p)
{
    if (!p->args.directory)
        return refuse_arguments(p, "which directory? usage: tined precompress %s",
                                commands[COMMAND_PRECOMPRESS].synopsis);
    p->args.check = was_given(p, "check");
    p->args.quiet = was_given(p, "quiet");
    return 0;
}

static int complete_arguments(struct parser *p)
{
    p->args.json = was_given(p, "json");
    if (was_given(p, "help") || was_given(p, "version")) {
        p->args.command = was_given(p, "help") ? COMMAND_HELP : COMMAND_VERSION;
        return 0;
    }
    int error = check_fit(p);
    if (error < 0)
        return error;
    p->args.file_is_given = p->args.file;
    if (p->args.command == COMMAND_PRECOMPRESS)
        return complete_precompress(p);
    if (p->args.command == COMMAND_SERVE)
        complete_serve(p);
    else if (!p->args.file)
        p->args.file = DEFAULT_FILE;
    if (ON_URL & 1u << p->args.command && !p->args.url)
        return refuse_arguments(p, "no URL is given; usage: tined %s %s",
                                commands[p->args.command].name, commands[p->args.command].synopsis);
    return 0;
}

// Room for all overrides and their names, so that nothing fails half-way.
static int reserve(struct parser *p)
{
    size_t bytes = 1;
    for (int i = 0; i < p->argc; i++)
        bytes += strlen(p->argv[i]) + 1;
    p->args.overrides = calloc((size_t)p->argc + 2, sizeof(*p->args.overrides));
    p->args.headers = calloc((size_t)p->argc + 1, sizeof(*p->args.headers));
    p->args.texts = malloc(bytes);
    p->next_text = p->args.texts;
    return p->args.overrides && p->args.headers && p->args.texts ? 0 : -ENOMEM;
}

int args_parse(int argc, char **argv, struct args *ret, char message[static ARGS_MESSAGE_MAX])
{
    struct parser p = {.argc = argc, .argv = argv, .at = 1, .message = message, .args.argv = argv};
    int error = reserve(&p);
    if (error == 0)
        error = take_all(&p);
    if (error == 0)
        error = complete_arguments(&p);
    if (error < 0)
        args_cleanup(&p.args);
    else
        *ret = p.args;
    return error;
}

void args_cleanup(struct args *args)
{
    free(args->overrides);
    free(args->headers);
    free(args->texts);
}

void args_print_help(FILE *out)
{
    fputs("tined serves files over HTTP.\n\nUsage:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        fprintf(out, "  tined %s %s\n", commands[i].name, commands[i].synopsis);
    fputs("\nCommands:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        fprintf(out, "  %-11s  %s\n", commands[i].name, commands[i].help);
    fputs("\nOptions:\n", out);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        char left[64];
        char letter[] = {'-', options[i].letter, ',', '\0'};
        snprintf(left, sizeof(left), "%3s --%s %s", options[i].letter ? letter : "",
                 options[i].name, options[i].value_name ? options[i].value_name : "");
        fprintf(out, "  %-27s  %s\n", left, options[i].help);
    }
    fputs("\nManual: man tined, man tined.conf\n", out);
}
