#include "support/unit.h"

#include "server/deadline.h"

static const int64_t timeouts[DEADLINE_CLASSES] = {
    [DEADLINE_HEAD] = 10, [DEADLINE_BODY] = 20, [DEADLINE_SEND] = 30,
    [DEADLINE_IDLE] = 60, [DEADLINE_LAST] = 5,  [DEADLINE_LINGER] = 2,
};

TEST(test_expire_in_order)
{
    struct deadlines d;
    struct deadline a, b, c;
    deadlines_init(&d, timeouts);
    deadline_init(&a);
    deadline_init(&b);
    deadline_init(&c);
    assert_int_equal(deadlines_next(&d), -1);
    assert_null(deadlines_expired(&d, 1000));
    deadline_set(&d, &a, DEADLINE_HEAD, 100);
    deadline_set(&d, &b, DEADLINE_HEAD, 105);
    deadline_set(&d, &c, DEADLINE_LINGER, 105);
    assert_int_equal(d.counts[DEADLINE_HEAD], 2);
    assert_int_equal(d.counts[DEADLINE_LINGER], 1);
    assert_int_equal(deadlines_next(&d), 107);
    assert_null(deadlines_expired(&d, 106));
    assert_ptr_equal(deadlines_expired(&d, 107), &c);
    deadline_set(&d, &c, DEADLINE_NONE, 107);
    assert_int_equal(deadlines_next(&d), 110);
    assert_ptr_equal(deadlines_oldest(&d, DEADLINE_HEAD), &a);
    deadline_set(&d, &a, DEADLINE_IDLE, 108);
    assert_int_equal(deadlines_next(&d), 115);
    deadline_set(&d, &b, DEADLINE_NONE, 108);
    assert_int_equal(deadlines_next(&d), 168);
    assert_null(deadlines_oldest(&d, DEADLINE_HEAD));
    assert_int_equal(d.counts[DEADLINE_HEAD], 0);
    assert_int_equal(d.counts[DEADLINE_IDLE], 1);
    deadline_set_since(&d, &a, DEADLINE_SEND, 50);
    assert_int_equal(d.counts[DEADLINE_IDLE], 0);
    assert_int_equal(d.counts[DEADLINE_SEND], 1);
}

// Those that were in the class before, elsewhere, find their place among the others.
TEST(test_set_since)
{
    static const int64_t sinces[] = {50, 70, 60, 40, 70, 55, 100, 0, 69};
    struct deadline all[ARRAY_SIZE(sinces)];
    struct deadlines d;
    deadlines_init(&d, timeouts);
    for (size_t i = 0; i < ARRAY_SIZE(sinces); i++) {
        deadline_init(&all[i]);
        deadline_set_since(&d, &all[i], DEADLINE_IDLE, sinces[i]);
        assert_int_equal(all[i].since, sinces[i]);
        assert_int_equal(all[i].class, DEADLINE_IDLE);
    }
    assert_ptr_equal(d.lists[DEADLINE_IDLE].prev, &all[6].link);
    int64_t last = -1;
    for (size_t i = 0; i < ARRAY_SIZE(sinces); i++) {
        struct deadline *oldest = deadlines_oldest(&d, DEADLINE_IDLE);
        assert_true(oldest->since >= last);
        last = oldest->since;
        assert_int_equal(deadlines_next(&d), last + 60);
        deadline_set(&d, oldest, DEADLINE_NONE, 200);
    }
    assert_null(deadlines_oldest(&d, DEADLINE_IDLE));
    // From one class into another; the same time stands behind who was there first.
    deadline_set(&d, &all[0], DEADLINE_HEAD, 100);
    deadline_set(&d, &all[1], DEADLINE_IDLE, 100);
    deadline_set_since(&d, &all[0], DEADLINE_IDLE, 100);
    assert_null(deadlines_oldest(&d, DEADLINE_HEAD));
    assert_ptr_equal(deadlines_oldest(&d, DEADLINE_IDLE), &all[1]);
    assert_ptr_equal(d.lists[DEADLINE_IDLE].prev, &all[0].link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expire_in_order),
        cmocka_unit_test(test_set_since),
    };
    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
