#include "support/guarded.h"
#include "support/unit.h"

#include "http/utf8.h"

TEST(test_next)
{
    static const struct {
        const char *text;
        int32_t code;
        size_t len; // cut off
    } cases[] = {
        {"a", 'a', 1},
        {"ab", 'a', 1},
        {"\x7f", 0x7f, 1},
        {"\xc2\x80", 0x80, 2},
        {"\xdf\xbfz", 0x7ff, 2},
        {"\xe0\xa0\x80", 0x800, 3},
        {"\xed\x9f\xbf", 0xd7ff, 3},
        {"\xee\x80\x80", 0xe000, 3},
        {"\xef\xbf\xbf", 0xffff, 3},
        {"\xf0\x90\x80\x80", 0x10000, 4},
        {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
        // no first byte
        {"\x80", -1, 1},
        {"\xbf\xbf", -1, 1},
        {"\xfe", -1, 1},
        {"\xff", -1, 1},
        {"\xf8\x88\x80\x80\x80", -1, 1},
        // cut short, or followed by something else
        {"\xc2", -1, 1},
        {"\xe0\xa0", -1, 1},
        {"\xf0\x90\x80", -1, 1},
        {"\xc2z", -1, 1},
        {"\xe0\xa0z", -1, 1},
        {"\xf0\x90\xc0\x80", -1, 1},
        // overlong
        {"\xc0\xaf", -1, 1},
        {"\xc1\xbf", -1, 1},
        {"\xe0\x9f\xbf", -1, 1},
        {"\xf0\x8f\xbf\xbf", -1, 1},
        // surrogates, and beyond the last
        {"\xed\xa0\x80", -1, 1},
        {"\xed\xbf\xbf", -1, 1},
        {"\xf4\x90\x80\x80", -1, 1},
        {"\xf7\xbf\xbf\xbf", -1, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice s = guarded_text(cases[i].text);
        const char *begin = s.ptr;
        int32_t code = utf8_next(&s);
        if (code != cases[i].code || (size_t)(s.ptr - begin) != cases[i].len)
            fail_msg("%zu: U+%x after %zu bytes", i, (unsigned)code, (size_t)(s.ptr - begin));
    }
    struct slice zero = slice_make("\0", 1);
    assert_int_equal(utf8_next(&zero), 0);
    assert_int_equal(zero.len, 0);
}

// Every code point comes back.
TEST(test_round_trip)
{
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char out[4];
        struct buf b = buf_make(out, sizeof(out));
        if (code == 0xd800)
            code = 0xe000;
        utf8_put(&b, code);
        struct slice s = buf_slice(&b);
        assert_false(b.overflow);
        assert_int_equal(utf8_next(&s), code);
        assert_int_equal(s.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
