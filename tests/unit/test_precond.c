#include "support/guarded.h"
#include "support/unit.h"

#include "base/buf.h"
#include "http/precond.h"

#define NOW    INT64_C(1767225600)
#define MTIME  784111777
#define AT     "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"
// The file came 10 s after it was made.
#define CHANGED      784111787
#define AT_CHANGE    "Sun, 06 Nov 1994 08:49:47 GMT"
#define AFTER_CHANGE "Sun, 06 Nov 1994 08:49:48 GMT"
#define JUST_NOW     "Thu, 01 Jan 2026 00:00:00 GMT"
#define TO_COME      "Thu, 01 Jan 2026 00:00:01 GMT"

static const struct representation strong = {10, {"\"a\"", 3}, MTIME, CHANGED, false, 1};
static const struct representation weak = {10, {"W/\"a\"", 5}, MTIME, CHANGED, false, 1};
static const struct representation bare = {10, {NULL, 0}, -1, CHANGED, false, 1};
static const struct representation young = {10, {NULL, 0}, MTIME, MTIME + 1, true, 1};

// Performed, but a client would take Last-Modified for older than its copy.
#define UNDATED 200

static const struct precond_case {
    const struct representation *rep;
    const char *fields;
    int want;
} checks[] = {
    {&strong, "", 0},
    // RFC 9110 section 13.1.1: If-Match compares strongly
    {&strong, "If-Match: \"a\"\r\n", 0},
    {&strong, "If-Match: \"b\"\r\n", 412},
    {&strong, "If-Match: W/\"a\"\r\n", 412},
    {&weak, "If-Match: W/\"a\"\r\n", 412},
    {&weak, "If-Match: \"a\"\r\n", 412},
    {&strong, "If-Match: \"b\", \"a\"\r\n", 0},
    {&strong, "If-Match: \"b\"\r\nIf-Match: \"a\"\r\n", 0},
    {&strong, "If-Match: *\r\n", 0},
    {&bare, "If-Match: *\r\n", 0},
    {&bare, "If-Match: \"a\"\r\n", 412},
    {&strong, "If-Match:\r\n", 412},
    {&strong, "If-Match: a\r\n", 412},
    {&strong, "If-Match: x, \"a\"\r\n", 412},
    {&strong, "If-Match: \"b\", *\r\n", 412},
    // section 13.1.4: If-Unmodified-Since, without If-Match only
    {&strong, "If-Unmodified-Since: " AT "\r\n", 0},
    {&strong, "If-Unmodified-Since: " AFTER "\r\n", 0},
    {&strong, "If-Unmodified-Since: " BEFORE "\r\n", 412},
    {&strong, "If-Unmodified-Since: Saturday, 05-Nov-94 08:49:37 GMT\r\n", 412},
    {&strong, "If-Unmodified-Since: Sat Nov  5 08:49:37 1994\r\n", 412},
    {&strong, "If-Unmodified-Since: yesterday\r\n", 0},
    {&strong, "If-Unmodified-Since: " BEFORE "\r\nIf-Unmodified-Since: " BEFORE "\r\n", 0},
    {&strong, "If-Unmodified-Since: " BEFORE "\r\nIf-Match: \"a\"\r\n", 0},
    {&bare, "If-Unmodified-Since: " BEFORE "\r\n", 0},
    // section 13.1.2: If-None-Match compares weakly
    {&strong, "If-None-Match: \"a\"\r\n", 304},
    {&strong, "If-None-Match: W/\"a\"\r\n", 304},
    {&weak, "If-None-Match: \"a\"\r\n", 304},
    {&weak, "If-None-Match: W/\"a\"\r\n", 304},
    {&strong, "If-None-Match: \"b\"\r\n", 0},
    {&strong, "If-None-Match: \"b\", W/\"c\" ,,\"a\"\r\n", 304},
    {&strong, "If-None-Match: \"b\"\r\nX: y\r\nif-none-match: \"a\"\r\n", 304},
    {&strong, "If-None-Match: *\r\n", 304},
    {&bare, "If-None-Match: *\r\n", 304},
    {&bare, "If-None-Match: \"a\"\r\n", 0},
    {&strong, "If-None-Match: a\r\n", 0},
    {&strong, "If-None-Match: \"A\"\r\n", 0},
    {&strong, "If-None-Match: \"a,b\"\r\n", 0},
    // section 13.1.3: If-Modified-Since, without If-None-Match only
    {&strong, "If-Modified-Since: " AT "\r\n", 304},
    // a later date: only where nothing was changed until then
    {&strong, "If-Modified-Since: " AFTER "\r\n", UNDATED},
    {&strong, "If-Modified-Since: " AT_CHANGE "\r\n", UNDATED},
    {&strong, "If-Modified-Since: " AFTER_CHANGE "\r\n", 304},
    {&strong, "If-Modified-Since: " JUST_NOW "\r\n", 304},
    {&strong, "If-Modified-Since: " TO_COME "\r\n", UNDATED},
    {&young, "If-Modified-Since: " AT "\r\n", 0},
    {&young, "If-Modified-Since: " JUST_NOW "\r\n", UNDATED},
    {&young, "If-None-Match: \"a\"\r\n", 0},
    {&young, "If-Unmodified-Since: " AT "\r\n", 412},
    {&young, "If-Unmodified-Since: " AFTER "\r\n", 0},
    {&strong, "If-Modified-Since: " BEFORE "\r\n", 0},
    {&strong, "If-Modified-Since: now\r\n", 0},
    {&strong, "If-Modified-Since: " AT ", " AT "\r\n", 0},
    {&strong, "If-Modified-Since: " AT "\r\nIf-Modified-Since: " AT "\r\n", 0},
    {&strong, "If-Modified-Since: " AT "\r\nIf-None-Match: \"b\"\r\n", 0},
    {&strong, "If-Modified-Since: " BEFORE "\r\nIf-None-Match: \"a\"\r\n", 304},
    {&strong, "If-Modified-Since: " AFTER "\r\nIf-None-Match: \"b\"\r\n", 0},
    {&strong, "If-Modified-Since: " AFTER "\r\nIf-Unmodified-Since: " BEFORE "\r\n", 412},
    {&bare, "If-Modified-Since: " AFTER "\r\n", 0},
    // section 13.2.2: the order
    {&strong, "If-None-Match: \"a\"\r\nIf-Match: \"b\"\r\n", 412},
    {&strong, "If-None-Match: \"a\"\r\nIf-Match: \"a\"\r\n", 304},
    {&strong, "If-Modified-Since: " AT "\r\nIf-Unmodified-Since: " AT "\r\n", 304},
    {&strong, "If-Modified-Since: " AT "\r\nIf-Unmodified-Since: " BEFORE "\r\n", 412},
};

// RFC 9110 section 13.1.5: If-Range compares strongly, dates exactly
static const struct precond_case ranges[] = {
    {&strong, "", true},
    {&strong, "If-Range: \"a\"\r\n", true},
    {&strong, "If-Range: \"b\"\r\n", false},
    {&strong, "If-Range: W/\"a\"\r\n", false},
    {&weak, "If-Range: W/\"a\"\r\n", false},
    {&weak, "If-Range: \"a\"\r\n", false},
    {&bare, "If-Range: \"a\"\r\n", false},
    {&strong, "If-Range: \"a\", \"b\"\r\n", false},
    {&strong, "If-Range: *\r\n", false},
    {&strong, "If-Range:\r\n", false},
    {&strong, "If-Range: \"a\"\r\nIf-Range: \"a\"\r\n", false},
    {&strong, "If-Range: " AT "\r\n", true},
    {&strong, "If-Range: " BEFORE "\r\n", false},
    {&strong, "If-Range: " AFTER "\r\n", false},
    {&bare, "If-Range: " AT "\r\n", false},
    {&young, "If-Range: " AT "\r\n", false},
};

static struct request request;

static void parse(const char *fields)
{
    char head[512];
    struct buf b = buf_make(head, sizeof(head));
    buf_puts(&b, "GET / HTTP/1.0\r\n");
    buf_puts(&b, fields);
    buf_puts(&b, "\r\n");
    assert_false(b.overflow);
    assert_int_equal(request_parse(guarded(buf_slice(&b)), &request), 0);
}

TEST(test_check)
{
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        parse(checks[i].fields);
        enum field_id by = FIELD_OTHER;
        int got = precond_check(&request, checks[i].rep, NOW, &by);
        if (got == 0 && by == FIELD_IF_MODIFIED_SINCE)
            got = UNDATED;
        bool has_field = by != FIELD_OTHER && request.first[by].ptr;
        if (got != checks[i].want || (got != 0) != has_field)
            fail_msg("%zu: \"%s\": %d, want %d", i, checks[i].fields, got, checks[i].want);
    }
}

TEST(test_allows_range)
{
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        parse(ranges[i].fields);
        if (precond_allows_range(&request, ranges[i].rep, NOW) != ranges[i].want)
            fail_msg("%zu: \"%s\"", i, ranges[i].fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_allows_range),
    };
    return cmocka_run_group_tests_name("precond", tests, NULL, NULL);
}
