#include "support/guarded.h"
#include "support/unit.h"

#include "base/buf.h"
#include "http/accept.h"

#define EXAMPLE "Accept: text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, */*;q=0.5\r\n"
#define BROWSER \
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8\r\n"

// RFC 9110 section 12.5.1
static const struct {
    const char *fields, *type;
    unsigned quality;
    bool named;
} cases[] = {
    {"", "text/html", 1000, false},
    {"Accept: text/html\r\n", "text/html", 1000, true},
    {"Accept: text/html\r\n", "application/json", 0, false},
    {"Accept: TEXT/Html\r\n", "text/html", 1000, true},
    {"Accept: text/html;q=0\r\n", "text/html", 0, false},
    {"Accept: text/html;q=0.001\r\n", "text/html", 1, true},
    {"Accept: */*\r\n", "text/html", 1000, false},
    {"Accept: text/*\r\n", "text/html", 1000, false},
    {"Accept: text/*\r\n", "application/json", 0, false},
    {"Accept: Text/*;q=0.5\r\n", "text/html", 500, false},
    {"Accept: tex/*\r\n", "text/html", 0, false},
    {"Accept: text/htm\r\n", "text/html", 0, false},
    {"Accept: text/htmlx\r\n", "text/html", 0, false},
    // the closest counts, wherever it stands
    {EXAMPLE, "text/plain", 700, true},
    {EXAMPLE, "text/html", 300, false},
    {EXAMPLE, "image/png", 500, false},
    {"Accept: */*;q=1, text/*;q=0.2\r\nAccept: text/html;q=0.1\r\n", "text/html", 100, true},
    {"Accept: text/html;q=0, */*\r\n", "text/html", 0, false},
    {"Accept: text/html;q=0.2, text/html;q=0.9\r\n", "text/html", 200, true},
    {BROWSER, "text/html", 1000, true},
    {BROWSER, "application/json", 800, false},
    {"Accept: application/json, */*;q=0.1\r\n", "application/json", 1000, true},
    // parameters other than q, and what is no range
    {"Accept: text/html;level=1\r\n", "text/html", 0, false},
    {"Accept: text/html;level=\"1,text/html\"\r\n", "text/html", 0, false},
    {"Accept: text/html;q=x, */*;q=0.2\r\n", "text/html", 200, false},
    {"Accept: *\r\n", "text/html", 0, false},
    {"Accept: */html\r\n", "text/html", 0, false},
    {"Accept: text\r\n", "text/html", 0, false},
    {"Accept: text/\r\n", "text/html", 0, false},
    {"Accept: text/*/*\r\n", "text/html", 0, false},
    {"Accept:\r\n", "text/html", 0, false},
};

TEST(test_accept)
{
    static struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char head[512];
        struct buf b = buf_make(head, sizeof(head));
        struct slice type = slice_of(cases[i].type);
        buf_printf(&b, "GET / HTTP/1.0\r\n%s\r\n", cases[i].fields);
        assert_false(b.overflow);
        assert_int_equal(request_parse(guarded(buf_slice(&b)), &request), 0);
        unsigned quality = accept_quality(&request, type);
        bool named = accept_names(&request, type);
        if (quality != cases[i].quality || named != cases[i].named)
            fail_msg("%s%s: %u, %d", cases[i].fields, cases[i].type, quality, named);
    }
}

TEST(test_navigation)
{
    static const struct {
        const char *fields, *path;
        bool want;
    } navigations[] = {
        {"Sec-Fetch-Mode: navigate\r\n", "/a.js", true},
        {"Sec-Fetch-Mode: cors\r\n" BROWSER, "/a", false},
        {BROWSER, "/a.js", true},
        {"", "/dir.d/a", true},
        {"", "/a.js", false},
        {"Accept: image/png\r\n", "/a", false},
    };
    static struct request request;
    for (size_t i = 0; i < ARRAY_SIZE(navigations); i++) {
        char head[512];
        struct buf b = buf_make(head, sizeof(head));
        buf_printf(&b, "GET / HTTP/1.0\r\n%s\r\n", navigations[i].fields);
        assert_int_equal(request_parse(guarded(buf_slice(&b)), &request), 0);
        struct slice path = slice_of(navigations[i].path);
        assert_int_equal(accept_is_navigation(&request, path), navigations[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_navigation),
    };
    return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
