#include "support/unit.h"

#include "base/crc32c.h"

// RFC 3720 appendix B.4, and the check value of the usual catalogs.
TEST(test_known)
{
    char bytes[32];
    assert_int_equal(crc32c(0, SLICE("")), 0);
    assert_int_equal(crc32c(0, SLICE("123456789")), 0xe3069283);
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(crc32c(0, slice_make(bytes, sizeof(bytes))), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(crc32c(0, slice_make(bytes, sizeof(bytes))), 0x62a8ab43);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    assert_int_equal(crc32c(0, slice_make(bytes, sizeof(bytes))), 0x46dd794e);
}

TEST(test_in_parts)
{
    const struct slice text = SLICE("123456789");
    for (size_t i = 0; i <= text.len; i++) {
        uint32_t first = crc32c(0, slice_make(text.ptr, i));
        assert_int_equal(crc32c(first, slice_skip(text, i)), 0xe3069283);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_in_parts),
    };
    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
