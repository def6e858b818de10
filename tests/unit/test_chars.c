#include "support/unit.h"

#include "http/chars.h"

static void assert_class(enum char_class class, const char *marks, bool has_obs_text)
{
    for (int c = 0; c < 256; c++) {
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool want = alnum || (c && c < 0x80 && strchr(marks, c)) || (c >= 0x80 && has_obs_text);
        if (chars_has((char)c, class) != want)
            fail_msg("class %d, byte 0x%02x", class, c);
    }
}

TEST(test_classes)
{
    // RFC 9110 section 5.6.2
    assert_class(CHAR_TOKEN, "!#$%&'*+-.^_`|~", false);
    // RFC 9110 section 5.5
    assert_class(CHAR_VALUE, "\t !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true);
    // RFC 3986 section 2, without the fragment's '#'
    assert_class(CHAR_URI, ":/?[]@!$&'()*+,;=-._~%^`{|}\\", false);
    assert_class(CHAR_TARGET, "\"<>:/?[]@!$&'()*+,;=-._~%^`{|}\\", true);
    // RFC 3986 section 3.2.2
    assert_class(CHAR_REG_NAME, "!$&'()*+,;=-._~", false);
    // RFC 3986 section 3.3
    assert_class(CHAR_PATH, "/:@!$&()*+,;=-._~", false);
    // RFC 9110 section 8.8.3
    assert_class(CHAR_ETAG, "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", true);
    assert_class(CHAR_LABEL, "-_", false);
}

TEST(test_all)
{
    assert_true(chars_all(SLICE(""), CHAR_TOKEN));
    assert_true(chars_all(SLICE("GET"), CHAR_TOKEN));
    assert_false(chars_all(SLICE("GE T"), CHAR_TOKEN));
    assert_false(chars_all(SLICE("a\0b"), CHAR_VALUE));
}

// Every byte at every place of texts of every length up to a few words says the same as the table.
TEST(test_all_value)
{
    char text[25];
    for (size_t len = 0; len <= sizeof(text); len++) {
        memset(text, 'a', sizeof(text));
        assert_true(chars_all_value(slice_make(text, len)));
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                if (chars_all_value(slice_make(text, len)) != chars_has((char)c, CHAR_VALUE))
                    fail_msg("byte 0x%02x at %zu of %zu", c, at, len);
            }
            text[at] = '\t';
        }
    }
}

TEST(test_hex)
{
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *at = c ? strchr(digits, c) : NULL;
        assert_int_equal(chars_hex((char)c), at ? (at - digits) % 16 : -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_all_value),
        cmocka_unit_test(test_hex),
    };
    return cmocka_run_group_tests_name("chars", tests, NULL, NULL);
}
