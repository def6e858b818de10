#include "unit.h"

#include "conf/conf_scan.h"

#include <stdio.h>

// "LINE:TOKEN " of each finding.
static const char *scan(const char *text, char *out, size_t size)
{
    struct conf_scan s = conf_scan_make(slice_of(text));
    struct conf_finding f;
    size_t len = 0;
    out[0] = '\0';
    while (conf_scan_next(&s, &f))
        len += (size_t)snprintf(out + len, size - len, "%u:%.*s ", f.line, SLICE_ARG(f.token));
    return out;
}

static void test_findings(void **state)
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
        {"# @include \"x\"", ""},
        {"a = 1;\nb = \"open \\", "2:\" "},
        {"a = \"open \\\";\n99999999999", "1:\" "},
        {"/* open", "1:/ "},
        {"\n/*/ 99999999999", "2:/ "},
        {"/", ""},
    };
    char out[256];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(scan(cases[i].text, out, sizeof(out)), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_findings)};
    return cmocka_run_group_tests_name("conf_scan", tests, NULL, NULL);
}
