#include "support/guarded.h"
#include "support/unit.h"

#include "base/buf.h"
#include "http/decision.h"

#include <stdio.h>

#define MAX_RANGES 17

#define AT "Sun, 06 Nov 1994 08:49:37 GMT"

static const struct representation file = {100,       {"\"a\"", 3}, 784111777,
                                           784111777, false,        MAX_RANGES};
static const struct representation empty = {0,         {"\"a\"", 3}, 784111777,
                                            784111777, false,        MAX_RANGES};

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
    {&file, "GET", "Range: bytes=0-1,5-6\r\n", 206, 0, 7},
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

static struct request request;

static void decide(const char *method, const char *fields, const struct representation *rep,
                   struct decision *ret)
{
    char head[512];
    struct buf b = buf_make(head, sizeof(head));
    buf_printf(&b, "%s / HTTP/1.0\r\n%s\r\n", method, fields);
    assert_false(b.overflow);
    assert_int_equal(request_parse(guarded(buf_slice(&b)), &request), 0);
    decision_make(&request, rep, 1767225600, ret);
}

TEST(test_decisions)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct decision d;
        decide(cases[i].method, cases[i].fields, cases[i].rep, &d);
        bool has_content = d.status == 200 || d.status == 206;
        if (d.status != cases[i].status || d.ranges[0].offset != cases[i].offset ||
            d.ranges[0].length != cases[i].length || d.range_count != has_content ||
            (d.status == 200) != (d.by == FIELD_OTHER))
            fail_msg("%zu: \"%s\": %d", i, cases[i].fields, d.status);
    }
}

#define EIGHT "0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,"

// RFC 9110 section 15.3.7.2
TEST(test_several)
{
    static const struct {
        uint64_t size;
        const char *value;
        int status;
        size_t count;
        uint64_t first, last; // offsets of the first and the last range
    } several[] = {
        {1000, "0-0,500-509", 206, 2, 0, 500},
        {1000, "500-509,0-0", 206, 2, 500, 0},
        {1000, "0-0,500-509,-1", 206, 3, 0, 999},
        {1000, "0-0,500-509,2000-", 206, 2, 0, 500},
        {1000, "0-0,2000-", 206, 1, 0, 0},
        {1000, "0-499,400-", 206, 1, 0, 0},
        // what is left out must be more than the parts cost
        {1000, "0-499,757-", 206, 2, 0, 757},
        {1000, "0-499,756-", 200, 1, 0, 0},
        {1000, "0-99,300-399,600-699,900-", 206, 4, 0, 900},
        {1000, "0-199,370-499,670-", 200, 1, 0, 0},
        {UINT64_MAX, "0-0,5000-", 206, 2, 0, 5000},
        // not too many
        {1000, EIGHT EIGHT "0-0", 206, 1, 0, 0},
        {1000, EIGHT EIGHT "0-0,0-0", 200, 1, 0, 0},
        {1000, "0-0,500-509,x", 200, 1, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(several); i++) {
        const struct representation rep = {several[i].size, {"\"a\"", 3}, 784111777,
                                           784111777,       false,        MAX_RANGES};
        char fields[256];
        struct decision d;
        snprintf(fields, sizeof(fields), "Range: bytes=%s\r\n", several[i].value);
        decide("GET", fields, &rep, &d);
        if (d.status != several[i].status || d.range_count != several[i].count ||
            d.ranges[0].offset != several[i].first ||
            d.ranges[d.range_count - 1].offset != several[i].last)
            fail_msg("%zu: \"%s\": %d, %zu ranges", i, fields, d.status, d.range_count);
    }
}

TEST(test_what_became_of_ranges)
{
    static const struct {
        const char *fields;
        uint32_t max_ranges;
        enum decision_range want;
    } asked[] = {
        {"", 2, DECISION_RANGE_NONE},
        {"If-Match: \"b\"\r\nRange: bytes=0-0\r\n", 2, DECISION_RANGE_NONE},
        {"Range: bytes=0-0,500-500\r\n", 2, DECISION_RANGE_SERVED},
        {"Range: bytes=5000-\r\n", 2, DECISION_RANGE_SERVED},
        {"Range: bytes=x\r\n", 2, DECISION_RANGE_IGNORED},
        {"Range: bytes=0-0\r\nRange: bytes=0-0\r\n", 2, DECISION_RANGE_IGNORED},
        {"Range: bytes=0-0,500-500\r\n", 1, DECISION_RANGE_TOO_MANY},
        {"Range: bytes=0-0\r\n", 0, DECISION_RANGE_TOO_MANY},
        {"Range: bytes=5000-\r\n", 0, DECISION_RANGE_TOO_MANY},
        {"Range: bytes=0-0\r\nIf-Range: \"b\"\r\n", 2, DECISION_RANGE_OUTDATED},
        {"Range: bytes=0-499,757-,600-600\r\n", 3, DECISION_RANGE_COSTLY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        const struct representation rep = {1000,      {"\"a\"", 3}, 784111777,
                                           784111777, false,        asked[i].max_ranges};
        struct decision d;
        decide("GET", asked[i].fields, &rep, &d);
        if (d.range != asked[i].want || (d.range > DECISION_RANGE_SERVED && d.status != 200))
            fail_msg("%zu: \"%s\": %d, %d", i, asked[i].fields, d.range, d.status);
    }
}

TEST(test_whole_after_all)
{
    struct decision d;
    decide("GET", "Range: bytes=10-19\r\n", &file, &d);
    decision_send_whole(&d, 100);
    assert_int_equal(d.status, 200);
    assert_int_equal(d.by, FIELD_OTHER);
    assert_int_equal(d.range, DECISION_RANGE_COSTLY);
    assert_int_equal(d.range_count, 1);
    assert_int_equal(d.ranges[0].offset, 0);
    assert_int_equal(d.ranges[0].length, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_what_became_of_ranges),
        cmocka_unit_test(test_whole_after_all),
    };
    return cmocka_run_group_tests_name("decision", tests, NULL, NULL);
}
