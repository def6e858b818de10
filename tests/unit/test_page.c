#include "support/unit.h"

#include "http/page.h"
#include "http/statuses.h"

// Pages hold their own status and nothing else that varies.
TEST(test_pages)
{
    static const struct {
        int code;
        const char *title;
    } cases[] = {
#define X(code, reason, more) {code, "<title>" #code " " reason "</title>"},
        STATUSES_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[PAGE_MAX + 1];
        struct slice page = page_of_status(cases[i].code);
        assert_true(page.len <= PAGE_MAX);
        memcpy(text, page.ptr, page.len);
        text[page.len] = '\0';
        assert_contains(text, cases[i].title);
        assert_contains(text, "<link rel=\"icon\" href=\"data:,\">");
        assert_contains(text, "<meta name=\"viewport\"");
        assert_contains(text, "prefers-color-scheme:dark");
        assert_true(slice_starts_with(page, SLICE("<!DOCTYPE html>\n<html lang=")));
        assert_true(slice_ends_with_nocase(page, SLICE("</html>\n")));
        assert_true(!strstr(text, "HTTP/1.1") == (cases[i].code != 505));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
