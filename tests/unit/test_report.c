#include "unit.h"

#include "server/report.h"

#include <stdlib.h>
#include <unistd.h>

static void test_lines(void **state)
{
    static const struct {
        const char *label, *text, *want;
    } cases[] = {
        {"site", "x", "site       x\n"},
        {"", "x", "           x\n"},
        {"validators", "caf\xc3\xa9", "validators caf\xc3\xa9\n"},
        {"a", "\x1b[1m\xff\x7f\xc2\x9b", "a          \\x1b[1m\\xff\\x7f\\xc2\\x9b\n"},
        {"a", "x\ny", "a          x\\x0ay\n"},
    };
    char text[256];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        report_line(&b, cases[i].label, "%s", cases[i].text);
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

static void test_long_lines_are_cut(void **state)
{
    static char text[100000], line[80000];
    struct buf b = buf_make(text, sizeof(text));
    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    report_line(&b, "a", "%s", line);
    assert_false(b.overflow);
    assert_int_equal(text[b.len - 1], '\n');
    assert_true(b.len > 30000 && b.len < 40000);
}

static void test_text(void **state)
{
    char text[64];
    struct buf b = buf_make(text, sizeof(text));
    (void)state;
    report_text(&b, SLICE("A: b\r\nC: \xe9\r\n"));
    assert_slice(buf_slice(&b), "A: b\nC: \\xe9\n");
}

static void test_owner(void **state)
{
    static const struct {
        mode_t mode;
        const char *want;
    } cases[] = {
        {S_IFREG | 0644, "-rw-r--r-- "}, {S_IFDIR | 01777, "drwxrwxrwx "},
        {S_IFLNK | 0777, "lrwxrwxrwx "}, {S_IFIFO | 0400, "pr-------- "},
        {S_IFSOCK, "s--------- "},       {S_IFCHR | 0111, "c--x--x--x "},
        {S_IFBLK, "b--------- "},
    };
    char text[REPORT_OWNER_MAX];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct stat st = {.st_mode = cases[i].mode, .st_uid = 4000000, .st_gid = 4000001};
        assert_int_equal(strncmp(report_owner(&st, text), cases[i].want, strlen(cases[i].want)), 0);
        assert_string_equal(text + strlen(cases[i].want), "4000000:4000001");
    }
    const struct stat root = {.st_mode = S_IFREG};
    assert_string_equal(report_owner(&root, text), "---------- root:root");
    assert_string_equal(report_user(0, text), "root (uid 0)");
    assert_string_equal(report_user(4000000, text), "a user without name (uid 4000000)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_owner),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
