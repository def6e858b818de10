#include "support/unit.h"

#include "cli/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 12 };

// Parses a command line whose words are separated by spaces; argv[0] is added.
static int parse(const char *line, struct args *ret, char *message)
{
    static char copy[512];
    char *argv[WORDS_MAX + 2] = {(char[]){"tined"}};
    int argc = 1;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return args_parse(argc, argv, ret, message);
}

TEST(test_commands)
{
    static const struct {
        const char *line;
        int command;
        const char *file, *directory;
        const char *overrides; // "option=value@from " of each
    } cases[] = {
        {"", COMMAND_RUN, SYSCONFDIR "/tined/tined.conf", NULL, ""},
        {"run", COMMAND_RUN, SYSCONFDIR "/tined/tined.conf", NULL, ""},
        {"-c x", COMMAND_RUN, "x", NULL, ""},
        {"-cx check", COMMAND_CHECK, "x", NULL, ""},
        {"check --config x", COMMAND_CHECK, "x", NULL, ""},
        {"config --config=x -o a=b=c --option d=", COMMAND_CONFIG, "x", NULL, "a=b=c@-o d=@-o "},
        {"serve", COMMAND_SERVE, NULL, ".",
         "listen=*:8080@serve log.access=stdout@serve sites=.@serve "},
        {"serve d -l :1 -l:2", COMMAND_SERVE, NULL, "d",
         "listen=:1@-l listen=:2@-l log.access=stdout@serve sites=d@serve "},
        {"serve -o listen=:1 d", COMMAND_SERVE, NULL, "d",
         "listen=:1@-o log.access=stdout@serve sites=d@serve "},
        {"serve -o log.access=off", COMMAND_SERVE, NULL, ".",
         "log.access=off@-o listen=*:8080@serve sites=.@serve "},
        {"serve -- -d", COMMAND_SERVE, NULL, "-d",
         "listen=*:8080@serve log.access=stdout@serve sites=-d@serve "},
        {"serve -", COMMAND_SERVE, NULL, "-",
         "listen=*:8080@serve log.access=stdout@serve sites=-@serve "},
        {"precompress d", COMMAND_PRECOMPRESS, NULL, "d", ""},
        {"--check precompress -j 3 --codings=br -q -- -d", COMMAND_PRECOMPRESS, NULL, "-d", ""},
        {"-h", COMMAND_HELP, NULL, NULL, ""},
        {"serve --help", COMMAND_HELP, NULL, NULL, ""},
        {"--version", COMMAND_VERSION, NULL, NULL, ""},
    };
    char message[ARGS_MESSAGE_MAX], overrides[512];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct args args;
        size_t len = 0;
        assert_int_equal(parse(cases[i].line, &args, message), 0);
        assert_int_equal(args.command, cases[i].command);
        assert_int_equal(!args.file, !cases[i].file);
        assert_int_equal(!args.directory, !cases[i].directory);
        if (args.file)
            assert_string_equal(args.file, cases[i].file);
        if (args.directory)
            assert_string_equal(args.directory, cases[i].directory);
        overrides[0] = '\0';
        for (size_t j = 0; j < args.override_count; j++) {
            const struct conf_override *o = &args.overrides[j];
            len += (size_t)snprintf(overrides + len, sizeof(overrides) - len, "%s=%s@%s ",
                                    o->option, o->value, o->from);
        }
        assert_string_equal(overrides, cases[i].overrides);
        args_cleanup(&args);
    }
}

TEST(test_explain)
{
    char message[ARGS_MESSAGE_MAX];
    struct args args;
    assert_int_equal(parse("explain -m HEAD -H A:1 -a ::1 http://x/ -HB:2 -s sock", &args, message),
                     0);
    assert_int_equal(args.command, COMMAND_EXPLAIN);
    assert_string_equal(args.url, "http://x/");
    assert_string_equal(args.method, "HEAD");
    assert_string_equal(args.client, "::1");
    assert_string_equal(args.socket, "sock");
    assert_false(args.file_is_given);
    assert_string_equal(args.file, SYSCONFDIR "/tined/tined.conf");
    assert_int_equal(args.header_count, 2);
    assert_string_equal(args.headers[0], "A:1");
    assert_string_equal(args.headers[1], "B:2");
    args_cleanup(&args);
    assert_int_equal(parse("explain -c x y", &args, message), 0);
    assert_true(args.file_is_given);
    args_cleanup(&args);
}

TEST(test_precompress)
{
    char message[ARGS_MESSAGE_MAX];
    struct args args;
    assert_int_equal(parse("precompress d", &args, message), 0);
    assert_false(args.check || args.quiet || args.jobs || args.codings);
    args_cleanup(&args);
    assert_int_equal(parse("precompress -j3 --codings br,x --check d -q", &args, message), 0);
    assert_true(args.check && args.quiet);
    assert_string_equal(args.jobs, "3");
    assert_string_equal(args.codings, "br,x");
    args_cleanup(&args);
}

TEST(test_probe)
{
    char message[ARGS_MESSAGE_MAX];
    struct args args;
    assert_int_equal(parse("probe http://x/", &args, message), 0);
    assert_int_equal(args.command, COMMAND_PROBE);
    assert_string_equal(args.url, "http://x/");
    assert_true(!args.connect && !args.timeout);
    args_cleanup(&args);
    assert_int_equal(parse("probe --connect unix:/x -t 1s y", &args, message), 0);
    assert_string_equal(args.connect, "unix:/x");
    assert_string_equal(args.timeout, "1s");
    args_cleanup(&args);
}

TEST(test_usage_errors)
{
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"serv", "unknown command \"serv\"; did you mean \"serve\"?"},
        {"frobnicate", "unknown command \"frobnicate\"; see tined --help"},
        {"./site", "unknown command \"./site\"; to serve a directory write: tined serve ./site"},
        {"-x", "unknown option \"-x\"; see tined --help"},
        {"--lisen :1", "unknown option \"--lisen\"; did you mean \"--listen\"?"},
        {"--frobnicate", "unknown option \"--frobnicate\"; see tined --help"},
        {"-c", "-c needs a value: -c FILE"},
        {"serve --listen", "-l needs a value: -l ADDRESS"},
        {"--help=x", "--help takes no value"},
        {"-c a -c b", "-c stands twice; it may be given once"},
        {"explain",
         "no URL is given; usage: tined explain [-c FILE] [-m METHOD] [-H HEADER]... URL"},
        {"explain a b",
         "\"b\" is one argument too many; usage: tined explain [-c FILE] [-m METHOD] "
         "[-H HEADER]... URL"},
        {"explain a -m x -m y", "-m stands twice; it may be given once"},
        {"probe", "no URL is given; usage: tined probe [--connect ADDRESS] [-t TIME] URL"},
        {"probe a --connect b --connect c", "--connect stands twice; it may be given once"},
        {"probe a -o b=c", "-o does not go with \"probe\"; usage: tined probe [--connect ADDRESS] "
                           "[-t TIME] URL"},
        {"run -t 1s", "-t does not go with \"run\"; usage: tined run [-c FILE] [-o "
                      "OPTION=VALUE]..."},
        {"explain a -H b", "-H takes a field, e.g. -H 'Accept: text/html'; found \"b\""},
        {"-o idle", "-o takes OPTION=VALUE, e.g. -o timeouts.idle=30s; found \"idle\""},
        {"-o =1", "-o takes OPTION=VALUE, e.g. -o timeouts.idle=30s; found \"=1\""},
        {"run -l :1",
         "-l does not go with \"run\"; usage: tined run [-c FILE] [-o OPTION=VALUE]..."},
        {"serve -c x",
         "-c does not go with \"serve\"; usage: tined serve [DIR] [-l ADDRESS]... [-o "
         "OPTION=VALUE]..."},
        {"run x",
         "\"x\" is one argument too many; usage: tined run [-c FILE] [-o OPTION=VALUE]..."},
        {"precompress", "which directory? usage: tined precompress [--check] [-j N] [--codings "
                        "LIST] [-q] DIR"},
        {"precompress --codings", "--codings needs a value: --codings LIST"},
        {"precompress -o a=b d", "-o does not go with \"precompress\"; usage: tined precompress "
                                 "[--check] [-j N] [--codings LIST] [-q] DIR"},
        {"run --check",
         "--check does not go with \"run\"; usage: tined run [-c FILE] [-o OPTION=VALUE]..."},
        {"serve a b",
         "\"b\" is one argument too many; usage: tined serve [DIR] [-l ADDRESS]... [-o "
         "OPTION=VALUE]..."},
    };
    char message[ARGS_MESSAGE_MAX];
    struct args args = {.file = "untouched"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse(cases[i].line, &args, message), -EINVAL);
        assert_string_equal(message, cases[i].want);
        assert_string_equal(args.file, "untouched");
    }
}

TEST(test_help_shows_the_tables)
{
    char *text = NULL;
    size_t size = 0, count;
    FILE *out = open_memstream(&text, &size);
    const struct args_option *options = args_options(&count);
    args_print_help(out);
    fclose(out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        assert_non_null(strstr(text, args_command((enum command)i)->help));
    for (size_t i = 0; i < count; i++)
        assert_non_null(strstr(text, options[i].help));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 100 || strstr(line, SYSCONFDIR)); // which may be long
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),     cmocka_unit_test(test_explain),
        cmocka_unit_test(test_precompress),  cmocka_unit_test(test_probe),
        cmocka_unit_test(test_usage_errors), cmocka_unit_test(test_help_shows_the_tables),
    };
    return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
