#include "support/unit.h"

#include "base/buf.h"

TEST(test_what_fits)
{
    char data[64];
    struct buf b = buf_make(data, sizeof(data));
    buf_puts(&b, "n=");
    buf_putu(&b, 0);
    buf_putc(&b, ' ');
    buf_putu(&b, UINT64_MAX);
    buf_putc(&b, ' ');
    buf_putx(&b, 0xabcdef0123456789);
    buf_printf(&b, " %d", -7);
    assert_slice(buf_slice(&b), "n=0 18446744073709551615 abcdef0123456789 -7");
    assert_false(b.overflow);
}

TEST(test_what_does_not_fit_is_left_out_whole)
{
    char data[4];
    struct buf b = buf_make(data, sizeof(data));
    buf_puts(&b, "abc");
    buf_puts(&b, "de");
    assert_slice(buf_slice(&b), "abc");
    assert_true(b.overflow);
    buf_puts(&b, "d");
    assert_slice(buf_slice(&b), "abcd");
    assert_true(b.overflow);
}

TEST(test_printf_that_does_not_fit)
{
    char data[4];
    struct buf b = buf_make(data, sizeof(data));
    buf_printf(&b, "%d", 12345);
    assert_int_equal(b.len, 0);
    assert_true(b.overflow);
}

TEST(test_escaped)
{
    char data[64];
    struct buf b = buf_make(data, sizeof(data));
    buf_put_escaped(&b, SLICE("a\x1b[2J\n\\\x7f\xc3\xa9\0."));
    assert_slice(buf_slice(&b), "a\\x1b[2J\\x0a\\\\x7f\xc3\xa9\\x00.");
    assert_false(b.overflow);
    b = buf_make(data, 2);
    buf_put_escaped(&b, SLICE("a\n"));
    assert_slice(buf_slice(&b), "a");
    assert_true(b.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits),
        cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
        cmocka_unit_test(test_printf_that_does_not_fit),
        cmocka_unit_test(test_escaped),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
