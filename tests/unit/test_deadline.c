#include "unit.h"

#include "server/deadline.h"

static const int64_t timeouts[DEADLINE_CLASSES] = {
    [DEADLINE_HEAD] = 10, [DEADLINE_BODY] = 20, [DEADLINE_SEND] = 30,
    [DEADLINE_IDLE] = 60, [DEADLINE_LAST] = 5,  [DEADLINE_LINGER] = 2,
};

static void test_expire_in_order(void **state)
{
    struct deadlines d;
    struct deadline a, b, c;
    (void)state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_expire_in_order)};
    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
