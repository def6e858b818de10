#include "support/unit.h"

#include "precompress/tally.h"

TEST(test_format)
{
    static const struct {
        struct tally tally;
        const char *run, *check;
    } cases[] = {
        {{0},
         "0 made, 0 fresh, 0 not smaller, 0 failed",
         "0 stale, 0 missing, 0 fresh, 0 not smaller, 0 failed"},
        {{.made = 2, .bytes_in = 1549999, .bytes_out = 40000, .fresh = 3, .not_smaller = 4},
         "2 made (1.5 MB to 0.0 MB), 3 fresh, 4 not smaller, 0 failed",
         "0 stale, 0 missing, 3 fresh, 4 not smaller, 0 failed"},
        {{.removed = 1, .failed = 2, .stale = 3, .missing = 4, .orphans = 5},
         "0 made, 0 fresh, 0 not smaller, 1 removed, 2 failed",
         "3 stale, 4 missing, 0 fresh, 0 not smaller, 5 orphans, 2 failed"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[256];
        struct buf b = buf_make(text, sizeof(text));
        tally_format_run(&cases[i].tally, &b);
        assert_slice(buf_slice(&b), cases[i].run);
        b = buf_make(text, sizeof(text));
        tally_format_check(&cases[i].tally, &b);
        assert_slice(buf_slice(&b), cases[i].check);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_format)};
    return cmocka_run_group_tests_name("tally", tests, NULL, NULL);
}
