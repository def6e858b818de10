#include "support/unit.h"

#include "daemon/reload_policy.h"

#define NOW 100000

// How long ago a generation was told to end; SERVING: it was not.
#define SERVING (-1)

// Generations from the newest to the oldest.
static struct reload_policy look(const int64_t *ended, size_t count)
{
    struct reload_policy p;
    reload_policy_begin(&p, false, 0, NOW);
    for (size_t i = 0; i < count; i++)
        reload_policy_add(&p, ended[i] != SERVING, NOW - ended[i]);
    return p;
}

TEST(test_one_at_a_time)
{
    struct reload_policy p;
    reload_policy_begin(&p, true, 0, NOW);
    reload_policy_add(&p, false, 0);
    assert_int_equal(reload_policy_start_at(&p), -1);
    reload_policy_begin(&p, false, 0, NOW);
    reload_policy_add(&p, false, 0);
    assert_int_equal(reload_policy_start_at(&p), NOW);
}

TEST(test_waits_for_ports_that_are_left)
{
    struct reload_policy p;
    reload_policy_begin(&p, false, NOW + RELOAD_POLICY_LEAVING, NOW);
    assert_int_equal(reload_policy_start_at(&p), NOW + RELOAD_POLICY_LEAVING);
    reload_policy_begin(&p, false, NOW - 1, NOW);
    assert_int_equal(reload_policy_start_at(&p), NOW);
}

TEST(test_waits_while_two_hand_over)
{
    static const struct {
        const char *what;
        int64_t ended[4];
        size_t count;
        int64_t waits; // ms
    } cases[] = {
        {"only one serves", {SERVING}, 1, 0},
        {"one hands over", {SERVING, 10}, 2, 0},
        {"two hand over: until the older has", {SERVING, 10, 2000}, 3, 3000},
        {"three do", {SERVING, 10, 1000, 2000}, 4, 4000},
        {"the older has done so just now", {SERVING, 10, 5000}, 3, 0},
        {"nearly", {SERVING, 10, 4999}, 3, 1},
        {"both have long ago", {SERVING, 7000, 90000}, 3, 0},
        {"one that was given up counts as well", {10, SERVING, 20}, 3, 4980},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reload_policy p = look(cases[i].ended, cases[i].count);
        if (reload_policy_start_at(&p) != NOW + cases[i].waits)
            fail_msg("%s: waits %d ms", cases[i].what, (int)(reload_policy_start_at(&p) - NOW));
    }
}

TEST(test_waits_for_what_takes_longest)
{
    struct reload_policy p;
    reload_policy_begin(&p, false, NOW + 1000, NOW);
    reload_policy_add(&p, false, 0);
    reload_policy_add(&p, true, NOW - 10);
    assert_int_equal(reload_policy_start_at(&p), NOW + 1000);
    reload_policy_add(&p, true, NOW - 100);
    assert_int_equal(reload_policy_start_at(&p), NOW - 100 + RELOAD_POLICY_HANDING);
}

// Slow clients keep no new configuration waiting: the oldest of eight is cut.
TEST(test_cuts_the_oldest_of_too_many)
{
    static const struct {
        const char *what;
        int64_t ended[9];
        size_t count;
        bool cuts;
    } cases[] = {
        {"there are seven", {SERVING, 6000, 6000, 6000, 6000, 6000, 9000}, 7, false},
        {"there are eight", {SERVING, 6000, 6000, 6000, 6000, 6000, 6000, 9000}, 8, true},
        {"the oldest still hands over", {SERVING, 10, 20, 30, 40, 50, 60, 70}, 8, false},
        {"only the oldest is done", {SERVING, 10, 20, 30, 40, 50, 60, 5000}, 8, true},
        {"the oldest serves: the one before", {10, 20, 30, 40, 50, 60, 9000, SERVING}, 8, true},
        {"there are nine, from quick deploys", {SERVING, 1, 2, 3, 4, 5, 6, 7, 8}, 9, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct reload_policy p = look(cases[i].ended, cases[i].count);
        if (reload_policy_must_cut(&p) != cases[i].cuts)
            fail_msg("%s: %d", cases[i].what, reload_policy_must_cut(&p));
        assert_true(reload_policy_start_at(&p) >= NOW); // it is not what delays a reload
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_waits_for_ports_that_are_left),
        cmocka_unit_test(test_waits_while_two_hand_over),
        cmocka_unit_test(test_waits_for_what_takes_longest),
        cmocka_unit_test(test_cuts_the_oldest_of_too_many),
    };
    return cmocka_run_group_tests_name("reload_policy", tests, NULL, NULL);
}
