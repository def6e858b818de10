#include "support/unit.h"

#include "base/octets.h"

static octets_meant are_special(octets word)
{
    return (word < ' ') | (word == '"') | (word >= 0x7f);
}

// Each byte value at each place of texts of some lengths, between bytes that must not be looked at.
TEST(test_none)
{
    char text[] = "\"aaaaaaaaaaaaaaaaaaaaaaaaa\"";
    for (size_t len = sizeof(octets); len <= sizeof(text) - 3; len++) {
        text[1 + len] = '"';
        assert_true(octets_none(slice_make(text + 1, len), are_special));
        for (size_t at = 1; at <= len; at++) {
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                bool special = c < ' ' || c == '"' || c >= 0x7f;
                if (octets_none(slice_make(text + 1, len), are_special) == special)
                    fail_msg("byte 0x%02x at %zu of %zu", c, at, len);
            }
            text[at] = 'a';
        }
        text[1 + len] = 'a';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests_name("octets", tests, NULL, NULL);
}
