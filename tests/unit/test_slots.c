#include "support/unit.h"

#include "server/conn.h"
#include "server/slots.h"

static _Atomic uint32_t shown;

static struct slots make(void)
{
    struct slots s;
    slots_init(&s, &shown);
    return s;
}

TEST(test_no_slot_is_taken_twice)
{
    struct conn *taken[200];
    struct slots s = make();
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        taken[i] = slots_take(&s);
        assert_non_null(taken[i]);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(taken[i], taken[j]);
    }
    assert_int_equal(s.taken, 200);
    assert_int_equal(shown, 200);
    slots_cleanup(&s);
}

TEST(test_a_slot_is_free_in_the_next_iteration)
{
    struct slots s = make();
    struct conn *first = slots_take(&s);
    slots_give(&s, first);
    assert_int_equal(s.taken, 0);
    assert_int_equal(shown, 0);
    assert_ptr_not_equal(slots_take(&s), first);
    slots_reuse(&s);
    assert_ptr_equal(slots_take(&s), first);
    slots_cleanup(&s);
}

// However many come and go, memory is as for the most that were open at a time.
TEST(test_slots_are_used_again)
{
    struct conn *taken[100];
    struct slots s = make();
    for (int turn = 0; turn < 10; turn++) {
        for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
            taken[i] = slots_take(&s);
        for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
            slots_give(&s, taken[i]);
        slots_reuse(&s);
    }
    assert_int_equal(slots_count(&s), 128);
    slots_cleanup(&s);
}

TEST(test_each_slot_has_a_number)
{
    struct slots s = make();
    size_t found = 0;
    assert_int_equal(slots_count(&s), 0);
    struct conn *taken[] = {slots_take(&s), slots_take(&s)};
    for (size_t i = 0; i < slots_count(&s); i++)
        found += slots_at(&s, i) == taken[0] || slots_at(&s, i) == taken[1];
    assert_int_equal(found, 2);
    slots_cleanup(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_slot_is_taken_twice),
        cmocka_unit_test(test_a_slot_is_free_in_the_next_iteration),
        cmocka_unit_test(test_slots_are_used_again),
        cmocka_unit_test(test_each_slot_has_a_number),
    };
    return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
