#include "support/unit.h"

#include "http/statuses.h"

#include <stdio.h>

TEST(test_lines)
{
    static const struct {
        int code;
        const char *reason;
    } cases[] = {
#define X(code, reason, more) {code, reason},
        STATUSES_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char want[80];
        snprintf(want, sizeof(want), "HTTP/1.1 %d %s\r\n", cases[i].code, cases[i].reason);
        assert_slice(statuses_line(cases[i].code), want);
    }
    assert_slice(statuses_line(200), "HTTP/1.1 200 OK\r\n");
}

// RFC 9110 section 6.4.1
TEST(test_content)
{
    assert_false(statuses_may_have_content(100));
    assert_false(statuses_may_have_content(204));
    assert_false(statuses_may_have_content(304));
    assert_true(statuses_may_have_content(200));
    assert_true(statuses_may_have_content(206));
    assert_true(statuses_may_have_content(404));
}

TEST(test_redirects)
{
    static const int redirects[] = {301, 302, 303, 307, 308};
    static const int others[] = {0, 200, 204, 300, 304, 305, 306, 309, 404};
    for (size_t i = 0; i < ARRAY_SIZE(redirects); i++)
        assert_true(statuses_is_redirect(redirects[i]));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_false(statuses_is_redirect(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_redirects),
    };
    return cmocka_run_group_tests_name("statuses", tests, NULL, NULL);
}
