#include "support/unit.h"

#include "explain/explain_text.h"

#include <stdlib.h>
#include <unistd.h>

TEST(test_lines)
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
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        explain_text_line(&b, cases[i].label, "%s", cases[i].text);
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

TEST(test_long_lines_are_cut)
{
    static char text[100000], line[80000];
    struct buf b = buf_make(text, sizeof(text));
    memset(line, 'x', sizeof(line) - 1);
    explain_text_line(&b, "a", "%s", line);
    assert_false(b.overflow);
    assert_int_equal(text[b.len - 1], '\n');
    assert_true(b.len > 30000 && b.len < 40000);
}

TEST(test_text)
{
    char text[64];
    struct buf b = buf_make(text, sizeof(text));
    explain_text_bytes(&b, SLICE("A: b\r\nC: \xe9\r\n"));
    assert_slice(buf_slice(&b), "A: b\nC: \\xe9\n");
}

TEST(test_owner)
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
    char text[EXPLAIN_TEXT_OWNER_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct stat st = {.st_mode = cases[i].mode, .st_uid = 4000000, .st_gid = 4000001};
        assert_int_equal(
            strncmp(explain_text_owner(&st, text), cases[i].want, strlen(cases[i].want)), 0);
        assert_string_equal(text + strlen(cases[i].want), "4000000:4000001");
    }
    const struct stat root = {.st_mode = S_IFREG};
    assert_string_equal(explain_text_owner(&root, text), "---------- root:root");
    assert_string_equal(explain_text_user(0, text), "root (uid 0)");
    assert_string_equal(explain_text_user(4000000, text), "a user without name (uid 4000000)");
}

TEST(test_list)
{
    static char one[] = "one", two[] = "two", three[] = "three";
    static char *items[] = {one, two, three};
    char text[EXPLAIN_TEXT_LIST_MAX];
    const struct conf_strings all = {.items = items, .count = 3}, none = {.count = 0};
    assert_string_equal(explain_text_list(&all, text), "one, two, three");
    assert_string_equal(explain_text_list(&none, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines), cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_text),  cmocka_unit_test(test_owner),
        cmocka_unit_test(test_list),
    };
    return cmocka_run_group_tests_name("explain_text", tests, NULL, NULL);
}
