#include "support/unit.h"

#include "conf/conf_prescan.h"

#include <stdio.h>

// "LINE:TOKEN " of each finding.
static const char *scan(const char *text, char *out, size_t size)
{
    struct conf_prescan s = conf_prescan_make(slice_of(text));
    struct conf_finding f;
    size_t len = 0;
    out[0] = '\0';
    while (conf_prescan_next(&s, &f))
        len += (size_t)snprintf(out + len, size - len, "%u:%.*s ", f.line, SLICE_ARG(f.token));
    return out;
}

TEST(test_findings)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"a = 2147483647; b = -2147483647; c = 0x7fffffff;", ""},
        {"a = 2147483648;", "1:2147483648 "},
        {"a = -4294967296;", "1:-4294967296 "},
        {"a =\n0x80000000;\nb = 0XFFFFFFFFF;", "2:0x80000000 3:0XFFFFFFFFF "},
        {"a = 9223372036854775807L; b = 0x7fffffffffffffffLL;", ""},
        {"a = 9223372036854775808L;", "1:9223372036854775808L "},
        {"a = 99999999999.5; b = 1e99999999999; x99999999999 = 1;", ""},
        {"# 99999999999\n// 99999999999\n/* 99999999999\n */ a = 99999999999;", "4:99999999999 "},
        {"a = \"99999999999 \\\" @include\";", ""},
        {"a = \"\n\n\"; b = 99999999999;", "3:99999999999 "},
        {"  @include \"x\"\n@include \"y\"", "1:@include 2:@include "},
        {"a = 010; b = -08; c = 00; d = 010L;\ne = +0123456789;",
         "1:010 1:-08 1:00 1:010L 2:+0123456789 "},
        {"a = 0; b = -0; c = 0x0F; d = 0L; e = 0.5; f = 10; g = \"010\"; # 010", ""},
        {"a = [ 1, ];\nb = (1 , # one\n /* two */ // three\n);", "1:, 2:, "},
        {"a = [ 1,, 2 ]; b = ( 1, ( ), [ ],\n\f2);", "1:, "},
        {"a = { b = 1, c = 2, }, d = \",]\", // ,)\n", ""},
        {"a = (1, /* open )", "1:/ "},
        {"# @include \"x\"", ""},
        {"a = 1;\nb = \"open \\", "2:\" "},
        {"a = \"open \\\";\n99999999999", "1:\" "},
        {"/* open", "1:/ "},
        {"\n/*/ 99999999999", "2:/ "},
        {"/", ""},
    };
    char out[256];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(scan(cases[i].text, out, sizeof(out)), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_findings)};
    return cmocka_run_group_tests_name("conf_prescan", tests, NULL, NULL);
}
