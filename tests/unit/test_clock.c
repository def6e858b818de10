#include "unit.h"

#include "sys/clock.h"

#include <time.h>

static void test_agrees_with_the_kernel(void **state)
{
    struct clock c;
    struct timespec mono;
    (void)state;
    clock_read(&c);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    int64_t now = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000;
    assert_in_range(now - c.now, 0, 1000);
    assert_in_range(time(NULL) - c.wall_s, 0, 2);
}

static void test_never_goes_back(void **state)
{
    int64_t last = clock_now();
    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_now();
        assert_true(now >= last);
        last = now;
    }
}

static void test_microseconds(void **state)
{
    (void)state;
    int64_t begin = clock_now_us(), coarse = clock_now();
    assert_in_range(begin / 1000 - coarse + 1000, 990, 2000);
    while (clock_now_us() == begin)
        ; // it moves on within a few turns
    assert_in_range(clock_now_us() - begin, 1, 1000000);
}

static void test_earlier(void **state)
{
    (void)state;
    assert_int_equal(clock_earlier(1, 2), 1);
    assert_int_equal(clock_earlier(2, 1), 1);
    assert_int_equal(clock_earlier(0, 1), 0);
    assert_int_equal(clock_earlier(-1, 1), 1);
    assert_int_equal(clock_earlier(1, -1), 1);
    assert_int_equal(clock_earlier(-1, -1), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_earlier),
        cmocka_unit_test(test_agrees_with_the_kernel),
        cmocka_unit_test(test_never_goes_back),
        cmocka_unit_test(test_microseconds),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
