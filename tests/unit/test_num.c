#include "support/unit.h"

#include "base/num.h"

TEST(test_dec)
{
    static const struct {
        const char *text;
        uint64_t max;
        int64_t want; // -1: refused
    } cases[] = {
        {"0", 9, 0},    {"007", 9, 7}, {"255", 255, 255}, {"256", 255, -1},
        {"", 9, -1},    {"+1", 9, -1}, {" 1", 9, -1},     {"1 ", 9, -1},
        {"0x1", 9, -1}, {"9", 5, -1},  {"5", 5, 5},       {"99999999999999999999", UINT64_MAX, -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t got = 42;
        bool ok = num_parse_dec(slice_of(cases[i].text), cases[i].max, &got);
        assert_int_equal(ok, cases[i].want >= 0);
        assert_int_equal(got, ok ? cases[i].want : 42);
    }
}

TEST(test_limits_of_64_bits)
{
    uint64_t got;
    assert_true(num_parse_dec(SLICE("18446744073709551615"), UINT64_MAX, &got));
    assert_true(got == UINT64_MAX);
    assert_false(num_parse_dec(SLICE("18446744073709551616"), UINT64_MAX, &got));
    assert_true(num_parse_hex(SLICE("FFFFffffFFFFffff"), UINT64_MAX, &got));
    assert_true(got == UINT64_MAX);
    assert_false(num_parse_hex(SLICE("10000000000000000"), UINT64_MAX, &got));
    assert_false(num_parse_hex(SLICE("g"), UINT64_MAX, &got));
}

TEST(test_sizes_and_times_round_trip)
{
    static const struct {
        const char *text;
        uint64_t want;
    } sizes[] = {{"0", 0}, {"512", 512}, {"16K", 16384}, {"1M", 1 << 20}, {"1025K", 1025 << 10}},
      times[] = {{"0", 0},         {"250ms", 250},  {"30s", 30000},
                 {"2min", 120000}, {"1h", 3600000}, {"3d", 259200000}};
    char text[32];
    uint64_t got;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_true(num_parse_size(slice_of(sizes[i].text), &got));
        assert_int_equal(got, sizes[i].want);
        assert_string_equal(num_format_size(got, text), sizes[i].text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        assert_true(num_parse_time(slice_of(times[i].text), &got));
        assert_int_equal(got, times[i].want);
        assert_string_equal(num_format_time(got, text), times[i].text);
    }
}

TEST(test_refused_units)
{
    uint64_t got = 42;
    assert_false(num_parse_size(SLICE("K"), &got));
    assert_false(num_parse_size(SLICE("1k"), &got));
    assert_false(num_parse_size(SLICE("1 K"), &got));
    assert_false(num_parse_size(SLICE("16777216T"), &got)); // 2^64
    assert_false(num_parse_time(SLICE("30"), &got));
    assert_false(num_parse_time(SLICE("1m"), &got)); // minutes or milliseconds?
    assert_false(num_parse_time(SLICE("-1s"), &got));
    assert_int_equal(got, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dec),
        cmocka_unit_test(test_limits_of_64_bits),
        cmocka_unit_test(test_sizes_and_times_round_trip),
        cmocka_unit_test(test_refused_units),
    };
    return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
