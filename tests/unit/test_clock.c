#include "support/unit.h"

#include "sys/clock.h"

#include <time.h>

TEST(test_agrees_with_the_kernel)
{
    struct clock c;
    struct timespec mono;
    clock_read(&c);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    int64_t now = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000;
    assert_in_range(now - c.now, 0, 1000);
    assert_in_range(time(NULL) - c.wall_s, 0, 2);
    assert_in_range(clock_wall_ms() / 1000 - c.wall_s, 0, 2);
}

TEST(test_never_goes_back)
{
    int64_t last = clock_now();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_now();
        assert_true(now >= last);
        last = now;
    }
}

TEST(test_microseconds)
{
    int64_t begin = clock_now_us(), coarse = clock_now();
    assert_in_range(begin / 1000 - coarse + 1000, 990, 2000);
    while (clock_now_us() == begin)
        ; // it moves on within a few turns
    assert_in_range(clock_now_us() - begin, 1, 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agrees_with_the_kernel),
        cmocka_unit_test(test_never_goes_back),
        cmocka_unit_test(test_microseconds),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
