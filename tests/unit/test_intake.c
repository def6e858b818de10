#include "support/unit.h"

#include "server/intake.h"

#define POST "POST / HTTP/1.1\r\nHost: h\r\n"

static const struct conf_limits limits = {
    .request_line = 100, .fields = 100, .field_lines = 3, .body = 10};

TEST(test_scan)
{
    static const struct {
        const char *head;
        enum head_state want;
        enum reason reason;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", HEAD_COMPLETE, REASON_NONE},
        {"GET / HTTP/1.1\r\nHost: h", HEAD_MORE, REASON_NONE},
        {"GET / HTTP/1.1\r\n1:\r\n2:\r\n3:\r\n4", HEAD_BAD, REASON_REQUEST_FIELDS_MANY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct head_scan scan = {0};
        enum reason reason = REASON_NONE;
        assert_int_equal(intake_scan(&limits, &scan, slice_of(cases[i].head), &reason),
                         cases[i].want);
        assert_int_equal(reason, cases[i].reason);
    }
}

TEST(test_parse)
{
    static const struct {
        const char *head;
        enum reason want;
        bool declines;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", REASON_NONE, false},
        {"GET / HTTP/1.1\r\n\r\n", REASON_REQUEST_NO_HOST, false},
        {POST "Content-Length: 10\r\n\r\n", REASON_NONE, false},
        {POST "Content-Length: 11\r\n\r\n", REASON_CONTENT_LONG, false},
        {POST "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n", REASON_NONE, true},
        {POST "Expect: 100-continue\r\n\r\n", REASON_NONE, false}, // has none
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
         REASON_NONE, false},
    };
    static struct request r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct body body;
        assert_int_equal(intake_parse(&limits, slice_of(cases[i].head), &r, &body), cases[i].want);
        if (!cases[i].want)
            assert_int_equal(intake_declines_content(&r), cases[i].declines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scan), cmocka_unit_test(test_parse)};
    return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
