#include "guarded.h"
#include "unit.h"

#include "base/buf.h"
#include "http/decision.h"

#define AT "Sun, 06 Nov 1994 08:49:37 GMT"

static const struct representation file = {100, {"\"a\"", 3}, 784111777};
static const struct representation empty = {0, {"\"a\"", 3}, 784111777};

static const struct {
    const struct representation *rep;
    const char *method, *fields;
    int status;
    uint64_t offset, length;
} cases[] = {
    {&file, "GET", "", 200, 0, 100},
    {&file, "HEAD", "", 200, 0, 100},
    {&empty, "GET", "", 200, 0, 0},
    // RFC 9110 section 14.2: Range is for GET
    {&file, "GET", "Range: bytes=10-19\r\n", 206, 10, 10},
    {&file, "HEAD", "Range: bytes=10-19\r\n", 200, 0, 100},
    {&file, "GET", "Range: bytes=-1\r\n", 206, 99, 1},
    {&file, "GET", "Range: bytes=100-\r\n", 416, 0, 0},
    {&empty, "GET", "Range: bytes=0-\r\n", 416, 0, 0},
    {&empty, "GET", "Range: bytes=-5\r\n", 200, 0, 0},
    {&file, "GET", "Range: bytes=0-1,5-6\r\n", 200, 0, 100},
    {&file, "GET", "Range: pages=1-2\r\n", 200, 0, 100},
    {&file, "GET", "Range: bytes=5-1\r\n", 200, 0, 100},
    {&file, "GET", "Range: bytes=0-1\r\nRange: bytes=0-1\r\n", 200, 0, 100},
    // section 13.2.2: preconditions come first
    {&file, "GET", "Range: bytes=0-1\r\nIf-None-Match: \"a\"\r\n", 304, 0, 0},
    {&file, "HEAD", "If-None-Match: \"a\"\r\n", 304, 0, 0},
    {&file, "GET", "Range: bytes=0-1\r\nIf-Match: \"b\"\r\n", 412, 0, 0},
    {&file, "GET", "Range: bytes=0-1\r\nIf-Match: \"a\"\r\n", 206, 0, 2},
    {&file, "GET", "Range: bytes=0-1\r\nIf-Modified-Since: " AT "\r\n", 304, 0, 0},
    // section 13.1.5
    {&file, "GET", "Range: bytes=0-1\r\nIf-Range: \"a\"\r\n", 206, 0, 2},
    {&file, "GET", "Range: bytes=0-1\r\nIf-Range: \"b\"\r\n", 200, 0, 100},
    {&file, "GET", "Range: bytes=0-1\r\nIf-Range: " AT "\r\n", 206, 0, 2},
    {&file, "GET", "Range: bytes=100-\r\nIf-Range: \"b\"\r\n", 200, 0, 100},
    {&file, "GET", "Range: bytes=100-\r\nIf-Range: \"a\"\r\n", 416, 0, 0},
    {&file, "GET", "If-Range: \"b\"\r\n", 200, 0, 100},
};

static void test_decisions(void **state)
{
    static struct request request;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char head[512];
        struct buf b = buf_make(head, sizeof(head));
        struct decision d;
        buf_printf(&b, "%s / HTTP/1.0\r\n%s\r\n", cases[i].method, cases[i].fields);
        assert_false(b.overflow);
        assert_int_equal(request_parse(guarded(buf_slice(&b)), &request), 0);
        decision_make(&request, cases[i].rep, 1767225600, &d);
        if (d.status != cases[i].status || d.offset != cases[i].offset ||
            d.length != cases[i].length)
            fail_msg("%zu: \"%s\": %d", i, cases[i].fields, d.status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
    };
    return cmocka_run_group_tests_name("decision", tests, NULL, NULL);
}
