// The scan for the end of a head, which may come in pieces.
#include "support/guarded.h"
#include "support/unit.h"

#include "http/request.h"

#define GET "GET / HTTP/1.1\r\n"
#define H   "Host: h\r\n"
#define END "\r\n"

static const struct head_limits limits = {.request_line = 40, .fields = 300, .field_lines = 8};

static const struct scan_case {
    const char *head;
    enum head_state state;
    int status;
} scans[] = {
    {GET END, HEAD_COMPLETE, 0},
    {GET H END, HEAD_COMPLETE, 0},
    {GET H, HEAD_MORE, 0},
    {GET H "\r", HEAD_MORE, 0},
    {"", HEAD_MORE, 0},
    {"\r", HEAD_MORE, 0}, // may begin an empty line, RFC 9112 section 2.2
    {"G", HEAD_MORE, 0},
    {"\r\n", HEAD_BAD, 400},
    {"\rG", HEAD_BAD, 400},
    {"\n", HEAD_BAD, 400},
    {" GET", HEAD_BAD, 400},
    {"\x16\x03\x01", HEAD_BAD, 400}, // TLS
    {"GET / HTTP/1.1\n", HEAD_BAD, 400},
    {GET "Host: h\n", HEAD_BAD, 400},
    {GET H "\n", HEAD_BAD, 400},
    {GET "\n", HEAD_BAD, 400},
    // the request line: 40 bytes pass
    {"GET /3456789012345678901234567 HTTP/1.1\r\n", HEAD_MORE, 0},
    {"GET /34567890123456789012345678 HTTP/1.1\r\n", HEAD_MORE, 0},
    {"GET /345678901234567890123456789 HTTP/1.1\r\n", HEAD_BAD, 414},
    {"GET /345678901234567890123456789 HTTP/1.1", HEAD_BAD, 414},
    {"GET /345678901234567890123456789 HTTP/1.1\n", HEAD_BAD, 414},
    {"GET /34567890123456789012345678 HTTP/1.1\r\r", HEAD_BAD, 414},
    {"GET /34567890123456789012345678 HTTP/1.1\n", HEAD_BAD, 400},
    // the field lines: 8 pass
    {GET "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n\r\n", HEAD_COMPLETE, 0},
    {GET "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9", HEAD_BAD, 431},
    {GET "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n\rx", HEAD_BAD, 431},
    {GET "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n\n", HEAD_BAD, 400},
};

// Feeds the first `first` bytes, then `step` more at a time; empty lines are not skipped.
static enum head_state scan(struct slice head, size_t first, size_t step, enum reason *ret_reason,
                            uint32_t *ret_pos)
{
    struct head_scan s = {0};
    enum head_state state = HEAD_MORE;
    for (size_t n = first;; n = MIN(n + step, head.len)) {
        state = head_scan_feed(&s, guarded(slice_make(head.ptr, n)), &limits, ret_reason);
        if (state != HEAD_MORE || n == head.len)
            break;
    }
    *ret_pos = s.pos;
    return state;
}

// However the bytes arrive, the outcome is the same.
static void assert_scan(struct slice head, enum head_state want, int want_status)
{
    for (size_t first = 0; first <= head.len; first++) {
        for (size_t step = 1; step <= head.len + 1; step = step == 1 ? 3 : step + head.len) {
            enum reason reason = REASON_NONE;
            uint32_t pos;
            enum head_state state = scan(head, first, step, &reason, &pos);
            int status = reason_status(reason);
            if (state != want || status != want_status)
                fail_msg("\"%.*s\" split at %zu, then by %zu: state %d, status %d", SLICE_ARG(head),
                         first, step, state, status);
            if (state == HEAD_COMPLETE)
                assert_int_equal(pos, head.len);
        }
    }
}

TEST(test_scan_in_every_split)
{
    for (size_t i = 0; i < ARRAY_SIZE(scans); i++)
        assert_scan(slice_of(scans[i].head), scans[i].state, scans[i].status);
}

// The limit of all field lines counts their CRLFs, not that of the empty line.
TEST(test_scan_limit_of_fields)
{
    char head[400];
    for (size_t len = 296; len <= 304; len++) {
        size_t at = sizeof(GET) - 1;
        memcpy(head, GET, at);
        memset(head + at, 'a', len);
        memcpy(head + at + len - 2, "\r\n\r\n", 4);
        bool fits = len <= limits.fields;
        assert_scan(slice_make(head, at + len + 2), fits ? HEAD_COMPLETE : HEAD_BAD,
                    fits ? 0 : 431);
        // Also when the line's end has not come yet.
        assert_scan(slice_make(head, at + len - 2), fits ? HEAD_MORE : HEAD_BAD, fits ? 0 : 431);
        // A bare LF is found where the limit allows the line.
        head[at + len - 2] = '\n';
        assert_scan(slice_make(head, at + len - 1), HEAD_BAD, fits ? 400 : 431);
    }
}

// Bytes behind the head belong to the next request or the content.
TEST(test_scan_stops_at_end)
{
    struct head_scan s = {0};
    enum reason reason;
    assert_int_equal(head_scan_feed(&s, guarded(SLICE(GET H END "x\n\r\n")), &limits, &reason),
                     HEAD_COMPLETE);
    assert_int_equal(s.pos, sizeof(GET H END) - 1);
    assert_int_equal(s.field_lines, 1);
}

TEST(test_skip_empty_lines)
{
    static const struct {
        const char *text;
        size_t want;
    } cases[] = {{"", 0},          {"\r", 0},     {"\r\n", 2},  {"\r\n\r", 2},
                 {"\r\n\r\nG", 4}, {"\n\r\n", 0}, {"G\r\n", 0}, {"\rG", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(head_skip_empty_lines(guarded_text(cases[i].text)), cases[i].want);
}

// Version 2 of the header, behind the empty lines that it begins with.
TEST(test_proxy_header)
{
    static const struct {
        struct slice head;
        enum reason want;
    } cases[] = {
        {{"\0\r\nQUIT\n!\x11", 10}, REASON_REQUEST_PROXY},
        {{"\0\r\nQUIT", 7}, REASON_NONE},
        {{"\0\r\nQUIT\r", 8}, REASON_REQUEST_BEGINNING},
        {{"\0\0", 2}, REASON_REQUEST_BEGINNING},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t step = 1; step <= cases[i].head.len; step++) {
            enum reason reason = REASON_NONE;
            uint32_t pos;
            scan(cases[i].head, step, step, &reason, &pos);
            assert_int_equal(reason, cases[i].want);
        }
    }
}

TEST(test_reasons_of_scan)
{
    static const struct {
        const char *head;
        enum reason want;
    } cases[] = {
        {"\x16\x03\x01", REASON_REQUEST_BEGINNING},
        {GET H "\n", REASON_REQUEST_BARE_LF},
        {"GET /34567890123456789012345678 HTTP/1.1\n", REASON_REQUEST_BARE_LF},
        {"GET /345678901234567890123456789 HTTP/1.1\n", REASON_REQUEST_LINE_LONG},
        {"0123456789012345678901234567890123456789 /", REASON_REQUEST_METHOD_LONG},
        {"01234567890123456789012345678901234567890\r\n", REASON_REQUEST_METHOD_LONG},
        {"012345678901234567890123456789012345678 / HTTP/1.1\r\n", REASON_REQUEST_LINE_LONG},
        {"0123456789:12345678901234567890123456789 / HTTP/1.1\r\n", REASON_REQUEST_LINE_LONG},
        {GET "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9", REASON_REQUEST_FIELDS_MANY},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum reason reason = REASON_NONE;
        uint32_t pos;
        scan(slice_of(cases[i].head), 1, 1, &reason, &pos);
        if (reason != cases[i].want)
            fail_msg("\"%s\": %s", cases[i].head, reason_text(reason));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_in_every_split), cmocka_unit_test(test_scan_limit_of_fields),
        cmocka_unit_test(test_scan_stops_at_end),   cmocka_unit_test(test_skip_empty_lines),
        cmocka_unit_test(test_reasons_of_scan),     cmocka_unit_test(test_proxy_header),
    };
    return cmocka_run_group_tests_name("request_scan", tests, NULL, NULL);
}
