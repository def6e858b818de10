#include "unit.h"

#include "http/status.h"

#include <stdio.h>

static void test_lines(void **state)
{
    static const struct {
        int code;
        const char *reason;
    } cases[] = {
#define X(code, reason) {code, reason},
        STATUS_TABLE(X)
#undef X
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char want[80];
        snprintf(want, sizeof(want), "HTTP/1.1 %d %s\r\n", cases[i].code, cases[i].reason);
        assert_slice(status_line(cases[i].code), want);
        snprintf(want, sizeof(want), "%d %s", cases[i].code, cases[i].reason);
        assert_slice(status_title(cases[i].code), want);
    }
    assert_slice(status_line(200), "HTTP/1.1 200 OK\r\n");
}

// RFC 9110 section 6.4.1
static void test_content(void **state)
{
    (void)state;
    assert_false(status_may_have_content(100));
    assert_false(status_may_have_content(204));
    assert_false(status_may_have_content(304));
    assert_true(status_may_have_content(200));
    assert_true(status_may_have_content(206));
    assert_true(status_may_have_content(404));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_content),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
