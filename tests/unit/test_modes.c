#include "support/unit.h"

#include "base/modes.h"

TEST(test_is_on)
{
    assert_true(modes_is_on(TOGGLE_ON, false));
    assert_false(modes_is_on(TOGGLE_OFF, true));
    assert_true(modes_is_on(TOGGLE_UNSET, true));
    assert_false(modes_is_on(TOGGLE_UNSET, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_on),
    };
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
