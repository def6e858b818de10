#include "support/unit.h"

#include "http/html.h"

TEST(test_texts)
{
    static const struct {
        struct slice text;
        const char *want;
    } cases[] = {
        {SLICE(""), ""},
        {SLICE("plain \xc3\xa4 \xf0\x9f\x90\x88"), "plain \xc3\xa4 \xf0\x9f\x90\x88"},
        {SLICE("<b>&\"'"), "&lt;b&gt;&amp;&#34;'"},
        {SLICE("\0\t\n\x1b\x7f"), "␀␉␊␛␡"},
        {SLICE("\xc2\x85\xef\xbf\xbf\xef\xb7\x90"), "���"},
        {SLICE("a\xff\xc0\x80z\xe2\x82"), "a���z��"},
        {SLICE("\xe2\x80\xae\xe2\x81\xa6"), "��"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[100];
        struct buf b = buf_make(text, sizeof(text));
        html_put(&b, cases[i].text);
        assert_slice(buf_slice(&b), cases[i].want);
        assert_true(b.len <= HTML_GROWTH * cases[i].text.len);
    }
}

TEST(test_lines)
{
    static const struct {
        struct slice text;
        bool goes_on;
        const char *want;
        size_t left;
    } cases[] = {
        {SLICE(""), true, "", 0},
        {SLICE("a\n\tb\r\nc\rd\r"), false, "a\n\tb\nc\nd\n", 0},
        {SLICE("\r\r\n\n"), false, "\n\n\n", 0},
        {SLICE("\f\0<"), false, "␌␀&lt;", 0},
        {SLICE("abc"), true, "abc", 0},
        {SLICE("abc\r"), true, "abc", 1},
        {SLICE("ab\xf0\x9f\x90"), true, "ab", 3},
        {SLICE("a\xf0\x9f\x90"), false, "a���", 0},
        {SLICE("a\xc3\xa4\xc3"), true, "a\xc3\xa4", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[100];
        struct buf b = buf_make(text, sizeof(text));
        size_t used = html_put_lines(&b, cases[i].text, cases[i].goes_on);
        assert_slice(buf_slice(&b), cases[i].want);
        assert_int_equal(cases[i].text.len - used, cases[i].left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
