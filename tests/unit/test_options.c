#include "support/unit.h"

#include "precompress/options.h"

#include <errno.h>
#include <stdio.h>

static int parse(const char *line, struct options *ret, char *message)
{
    static char copy[512];
    char *argv[16] = {(char[]){"tined-precompress"}};
    int argc = 1;
    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(argc, argv, ret, message);
}

TEST(test_good)
{
    static const struct {
        const char *line;
        bool check, quiet;
        unsigned threads;
        const char *directory;
    } cases[] = {
        {"d", false, false, 0, "d"},
        {"--check d", true, false, 0, "d"},
        {"-q -j 3 d", false, true, 3, "d"},
        {"--quiet --jobs=1024 --check -- -d", true, true, 1024, "-d"},
        {"d -j1", false, false, 1, "d"},
    };
    char message[OPTIONS_MESSAGE_MAX];
    size_t count;
    const struct compressor *all = compressor_all(&count);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct options o;
        assert_int_equal(parse(cases[i].line, &o, message), 0);
        assert_int_equal(o.check, cases[i].check);
        assert_int_equal(o.quiet, cases[i].quiet);
        assert_int_equal(o.threads, cases[i].threads);
        assert_string_equal(o.directory, cases[i].directory);
        for (size_t j = 0; j < count; j++)
            assert_ptr_equal(o.compressors[j], &all[j]);
        assert_null(o.compressors[count]);
    }
}

TEST(test_codings)
{
    char message[OPTIONS_MESSAGE_MAX], line[128];
    struct options o;
    size_t count;
    const struct compressor *all = compressor_all(&count);
    const struct compressor *last = &all[count - 1];
    snprintf(line, sizeof(line), "--codings %s,%s,%s,%s d", compressor_name(last),
             compressor_name(all), compressor_name(last), compressor_name(last));
    assert_int_equal(parse(line, &o, message), 0);
    assert_ptr_equal(o.compressors[0], last);
    assert_ptr_equal(o.compressors[1], count > 1 ? all : NULL);
    assert_null(o.compressors[MIN(count, 2)]);
}

TEST(test_bad)
{
#define USAGE "usage: tined precompress [--check] [-j N] [--codings LIST] [-q] DIR"
    static const struct {
        const char *line, *want;
    } cases[] = {
        {"", "which directory? " USAGE},
        {"-q", "which directory? " USAGE},
        {"a b", USAGE},
        {"-x d", USAGE},
        {"-n d", USAGE},
        {"-z gzip d", USAGE},
        {"-j", USAGE},
        {"-j 0 d", "-j takes a number from 1 to 1024; found \"0\""},
        {"-j 1025 d", "-j takes a number from 1 to 1024; found \"1025\""},
        {"-j two d", "-j takes a number from 1 to 1024; found \"two\""},
    };
    char message[OPTIONS_MESSAGE_MAX];
    struct options o = {.directory = "untouched"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse(cases[i].line, &o, message), -EINVAL);
        assert_string_equal(message, cases[i].want);
        assert_string_equal(o.directory, "untouched");
    }
    assert_int_equal(parse("--codings deflate d", &o, message), -EINVAL);
    assert_non_null(strstr(message, "no coding \"deflate\"; there are "));
    assert_int_equal(parse("--codings=, d", &o, message), -EINVAL);
    assert_non_null(strstr(message, "no coding \"\"; there are "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_codings),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
