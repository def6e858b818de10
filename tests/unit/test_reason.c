#include "support/unit.h"

#include "http/reason.h"

TEST(test_rows)
{
    assert_int_equal(reason_status(REASON_NONE), 0);
    assert_int_equal(reason_status(REASON_REQUEST_OBS_FOLD), 400);
    assert_string_equal(reason_text(REASON_REQUEST_NO_HOST), "there is no Host field");
}

// Each is told apart from all others.
TEST(test_texts)
{
    for (enum reason a = REASON_NONE + 1; a < REASON_COUNT; a++) {
        int status = reason_status(a);
        assert_true(strlen(reason_text(a)) > 0);
        assert_true(status == 0 || (status >= 400 && status < 600));
        for (enum reason b = REASON_NONE + 1; b < a; b++)
            assert_string_not_equal(reason_text(a), reason_text(b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_texts)};
    return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
