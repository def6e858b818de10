#include "support/unit.h"

#include "daemon/supervise.h"

static void start_ready(struct supervise *s, int64_t now)
{
    assert_true(supervise_is_due(s, now));
    supervise_started(s);
    supervise_ready(s, now);
}

TEST(test_wanted_at_once)
{
    struct supervise s = {0};
    assert_true(supervise_is_due(&s, 0));
    assert_int_equal(supervise_next(&s), 0);
    supervise_started(&s);
    assert_false(supervise_is_due(&s, 1000000));
    assert_int_equal(supervise_next(&s), -1);
}

TEST(test_a_worker_that_served_is_replaced_at_once)
{
    struct supervise s = {0};
    int64_t now = 1000;
    for (int i = 0; i < 20; i++) { // once a second, as often as it likes
        start_ready(&s, now);
        now += 1000;
        supervise_died(&s, now);
        assert_int_equal(supervise_next(&s), now);
    }
}

TEST(test_dying_before_ready_backs_off)
{
    static const int64_t delays[] = {100,  200,   400,   800,   1600,  3200,
                                     6400, 12800, 25600, 30000, 30000, 30000};
    struct supervise s = {0};
    int64_t now = 5000;
    for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
        supervise_started(&s);
        supervise_died(&s, now);
        assert_int_equal(supervise_next(&s) - now, delays[i]);
        assert_false(supervise_is_due(&s, now + delays[i] - 1));
        assert_true(supervise_is_due(&s, now + delays[i]));
        now += delays[i];
    }
}

TEST(test_dying_right_after_ready_is_a_failure_too)
{
    struct supervise s = {0};
    start_ready(&s, 0);
    supervise_died(&s, SUPERVISE_TOO_SOON - 1);
    assert_int_equal(supervise_next(&s), SUPERVISE_TOO_SOON - 1 + SUPERVISE_FIRST_DELAY);
}

TEST(test_a_healthy_while_forgives)
{
    struct supervise s = {0};
    int64_t now = 0;
    for (int i = 0; i < 5; i++) {
        supervise_started(&s);
        supervise_died(&s, now);
        now = supervise_next(&s);
    }
    start_ready(&s, now);
    now += SUPERVISE_HEALTHY;
    supervise_died(&s, now);
    assert_int_equal(supervise_next(&s), now);
    supervise_started(&s);
    supervise_died(&s, now);
    assert_int_equal(supervise_next(&s), now + SUPERVISE_FIRST_DELAY);
}

TEST(test_short_lives_do_not_forgive)
{
    struct supervise s = {0};
    supervise_started(&s);
    supervise_died(&s, 0);
    start_ready(&s, 100);
    supervise_died(&s, 1100);
    assert_int_equal(supervise_next(&s), 1100);
    supervise_started(&s);
    supervise_died(&s, 1100);
    assert_int_equal(supervise_next(&s), 1100 + 2 * SUPERVISE_FIRST_DELAY);
}

TEST(test_retired_is_not_replaced)
{
    struct supervise s = {0};
    start_ready(&s, 0);
    supervise_retire(&s);
    supervise_died(&s, 5000);
    assert_false(supervise_is_due(&s, 1000000));
    assert_int_equal(supervise_next(&s), -1);
}

TEST(test_ready_counts_only_when_started)
{
    struct supervise s = {0};
    supervise_ready(&s, 10);
    assert_int_equal(s.phase, SUPERVISE_WANTED);
}

TEST(test_due_for_recycling)
{
    static const struct {
        struct supervise_limits limits;
        uint64_t requests;
        int64_t now;
        bool want;
    } cases[] = {
        {{0, 0}, UINT64_MAX, INT64_MAX, false},
        {{100, 0}, 74, 1000000, false},
        {{100, 0}, 100, 500, true},
        {{0, 1000}, 0, 500 + 749, false},
        {{0, 1000}, 0, 500 + 1000, true},
        {{100, 1000}, 100, 500, true},
        {{100, 1000}, 0, 1500, true},
        {{100, 1000}, 74, 1249, false},
    };
    struct supervise s = {0};
    assert_false(
        supervise_is_due_for_recycling(&s, &cases[2].limits, 100, 0, 500)); // not there yet
    supervise_started(&s);
    assert_false(supervise_is_due_for_recycling(&s, &cases[2].limits, 100, 0, 500));
    supervise_ready(&s, 500);
    for (uint32_t number = 0; number < 1000; number++)
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
            if (supervise_is_due_for_recycling(&s, &cases[i].limits, cases[i].requests, number,
                                               cases[i].now) != cases[i].want)
                fail_msg("case %zu, number %u", i, number);
    supervise_retire(&s);
    assert_false(supervise_is_due_for_recycling(&s, &cases[2].limits, 100, 0, 500));
}

static uint64_t limit_of(const struct supervise *s, uint32_t number)
{
    const struct supervise_limits limits = {.requests = 1000000};
    uint64_t requests = 1000000;
    while (supervise_is_due_for_recycling(s, &limits, requests - 1000, number, 0))
        requests -= 1000;
    return requests;
}

// Neighbours come due apart: 16 of them no nearer than half of what an even spread would give.
TEST(test_due_apart)
{
    struct supervise s = {0};
    uint64_t limits[16];
    supervise_started(&s);
    supervise_ready(&s, 0);
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        limits[i] = limit_of(&s, 54321 + (uint32_t)i);
        for (size_t j = 0; j < i; j++) {
            uint64_t apart = limits[i] > limits[j] ? limits[i] - limits[j] : limits[j] - limits[i];
            assert_true(apart >= 1000000 / 4 / 16 / 2);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wanted_at_once),
        cmocka_unit_test(test_a_worker_that_served_is_replaced_at_once),
        cmocka_unit_test(test_dying_before_ready_backs_off),
        cmocka_unit_test(test_dying_right_after_ready_is_a_failure_too),
        cmocka_unit_test(test_a_healthy_while_forgives),
        cmocka_unit_test(test_short_lives_do_not_forgive),
        cmocka_unit_test(test_retired_is_not_replaced),
        cmocka_unit_test(test_ready_counts_only_when_started),
        cmocka_unit_test(test_due_for_recycling),
        cmocka_unit_test(test_due_apart),
    };
    return cmocka_run_group_tests_name("supervise", tests, NULL, NULL);
}
