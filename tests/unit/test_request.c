#include "guarded.h"
#include "unit.h"

#include "http/request.h"

#define GET "GET / HTTP/1.1\r\n"
#define H   "Host: h\r\n"
#define END "\r\n"

static const struct head_limits limits = {.request_line = 40, .fields = 300, .field_lines = 8};

static struct request request;

// ---- the scan ---------------------------------------------------------------------------------

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
static enum head_state scan(struct slice head, size_t first, size_t step, int *ret_status,
                            uint32_t *ret_pos)
{
    struct head_scan s = {0};
    enum head_state state = HEAD_MORE;
    for (size_t n = first;; n = MIN(n + step, head.len)) {
        state = head_scan_feed(&s, guarded(slice_make(head.ptr, n)), &limits, ret_status);
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
            int status = 0;
            uint32_t pos;
            enum head_state state = scan(head, first, step, &status, &pos);
            if (state != want || status != want_status)
                fail_msg("\"%.*s\" split at %zu, then by %zu: state %d, status %d", SLICE_ARG(head),
                         first, step, state, status);
            if (state == HEAD_COMPLETE)
                assert_int_equal(pos, head.len);
        }
    }
}

static void test_scan_in_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(scans); i++)
        assert_scan(slice_of(scans[i].head), scans[i].state, scans[i].status);
}

// The limit of all field lines counts their CRLFs, not that of the empty line.
static void test_scan_limit_of_fields(void **state)
{
    char head[400];
    (void)state;
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

// What follows the head belongs to the next request or the content.
static void test_scan_stops_at_end(void **state)
{
    struct head_scan s = {0};
    int status;
    (void)state;
    assert_int_equal(head_scan_feed(&s, guarded(SLICE(GET H END "x\n\r\n")), &limits, &status),
                     HEAD_COMPLETE);
    assert_int_equal(s.pos, sizeof(GET H END) - 1);
    assert_int_equal(s.field_lines, 1);
}

static void test_skip_empty_lines(void **state)
{
    static const struct {
        const char *text;
        size_t want;
    } cases[] = {{"", 0},          {"\r", 0},     {"\r\n", 2},  {"\r\n\r", 2},
                 {"\r\n\r\nG", 4}, {"\n\r\n", 0}, {"G\r\n", 0}, {"\rG", 0}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(head_skip_empty_lines(guarded_text(cases[i].text)), cases[i].want);
}

// ---- taking apart -----------------------------------------------------------------------------

static int parse(const char *head)
{
    memset(&request, 0xaa, sizeof(request));
    return request_parse(guarded_text(head), &request);
}

static const struct {
    const char *head;
    int want;
} statuses[] = {
    {GET H END, 0},
    // RFC 9112 section 3: the request line
    {"GET  / HTTP/1.1\r\n" H END, 400},
    {"GET /  HTTP/1.1\r\n" H END, 400},
    {"GET / HTTP/1.1 \r\n" H END, 400},
    {"GET\t/ HTTP/1.1\r\n" H END, 400},
    {"GET /\tHTTP/1.1\r\n" H END, 400},
    {"GET / HTTP/1.1\r\r\n" H END, 400},
    {"GET /\r\n" H END, 400},
    {"GET\r\n" H END, 400},
    {"GET  HTTP/1.1\r\n" H END, 400},
    {"GET / \r\n" H END, 400},
    {"G@T / HTTP/1.1\r\n" H END, 400},
    {"GET(/ / HTTP/1.1\r\n" H END, 400},
    {"GET /a b HTTP/1.1\r\n" H END, 400},
    {"GET /\x80 HTTP/1.1\r\n" H END, 400},
    {"GET /#x HTTP/1.1\r\n" H END, 400},
    {"GET * HTTP/1.1\r\n" H END, 400},
    {"get / HTTP/1.1\r\n" H END, 0}, // methods are case-sensitive: another method
    {"PRI / HTTP/1.1\r\n" H END, 0},
    {"!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" H END, 0},
    // RFC 9112 section 2.3: the version
    {"GET / HTTP/1.0\r\n\r\n", 0},
    {"GET / HTTP/1.9\r\n" H END, 0},
    {"GET / HTTP/2.0\r\n" H END, 505},
    {"GET / HTTP/0.9\r\n" H END, 505},
    {"GET / HTTP/3.1\r\n" H END, 505},
    {"PRI * HTTP/2.0\r\n\r\n", 505}, // the preface of HTTP/2
    {"GET / http/1.1\r\n" H END, 400},
    {"GET / HTTP/1.\r\n" H END, 400},
    {"GET / HTTP/1.10\r\n" H END, 400},
    {"GET / HTTP/11\r\n" H END, 400},
    {"GET / HTTP/1,1\r\n" H END, 400},
    {"GET / HTTP/x.1\r\n" H END, 400},
    {"GET / HTTP/1.x\r\n" H END, 400},
    {"GET / HTTP/1.1x\r\n" H END, 400},
    {"GET / HTTS/1.1\r\n" H END, 400},
    // RFC 9112 section 5: field lines
    {GET H "A:b\r\n" END, 0},
    {GET H "A:\r\n" END, 0},
    {GET H "A: \t \r\n" END, 0},
    {GET H "A: \x80\xff\tb\r\n" END, 0},
    {GET H "A : b\r\n" END, 400},
    {GET H "A\t: b\r\n" END, 400},
    {GET H " A: b\r\n" END, 400},
    {GET H "A: b\r\n c\r\n" END, 400}, // obs-fold, section 5.2
    {GET H "A: b\r\n\tc: d\r\n" END, 400},
    {GET " " H END, 400},
    {GET H "A\r\n" END, 400},
    {GET H ": b\r\n" END, 400},
    {GET H "A[]: b\r\n" END, 400},
    {GET H "\xc3\xa4: b\r\n" END, 400},
    {GET H "A: b\rc\r\n" END, 400},
    {GET H "A: b\r\r\n" END, 400},
    {GET H "A: \x01\r\n" END, 400},
    {GET H "A: \x7f\r\n" END, 400},
    {GET H "A: \x1b[m\r\n" END, 400},
    // RFC 9112 section 3.2: Host
    {GET END, 400},
    {GET H H END, 400},
    {GET "host: h\r\nHOST: i\r\n" END, 400},
    {GET "Host:\r\n" END, 0},
    {GET "Host: a b\r\n" END, 400},
    {GET "Host: a,b\r\n" END, 0}, // a comma is a sub-delim of reg-name
    {GET "Host: a/b\r\n" END, 400},
    {GET "Host: u@a\r\n" END, 400},
    {GET "Host: a:65536\r\n" END, 400},
    {GET "Host: a:65535\r\n" END, 0},
    {GET "Host: a:b\r\n" END, 400},
    {GET "Host: [::1]:80\r\n" END, 0},
    {GET "Host: ::1\r\n" END, 400},
    {"GET / HTTP/1.0\r\n" H H END, 400},
    {"GET / HTTP/1.0\r\nHost: /\r\n" END, 400},
    {"GET http://a/ HTTP/1.1\r\n" END, 400},
    {"GET http://a/ HTTP/1.0\r\n" END, 0},
    {"GET http://a/ HTTP/1.1\r\nHost: /\r\n" END, 400},
    // RFC 9112 section 6.3: the length of the content
    {GET H "Content-Length: 0\r\n" END, 0},
    {GET H "Content-Length: 18446744073709551615\r\n" END, 0},
    {GET H "Content-Length: 18446744073709551616\r\n" END, 400},
    {GET H "Content-Length: 5\r\nContent-Length: 5\r\n" END, 400},
    {GET H "Content-Length: 5\r\nContent-Length: 6\r\n" END, 400},
    {GET H "Content-Length: 5, 5\r\n" END, 400},
    {GET H "Content-Length: +5\r\n" END, 400},
    {GET H "Content-Length: -5\r\n" END, 400},
    {GET H "Content-Length: 5 5\r\n" END, 400},
    {GET H "Content-Length: 0x5\r\n" END, 400},
    {GET H "Content-Length: 5.0\r\n" END, 400},
    {GET H "Content-Length:\r\n" END, 400},
    // RFC 9112 sections 6.1 and 7
    {GET H "Transfer-Encoding: chunked\r\n" END, 0},
    {GET H "Transfer-Encoding: CHUNKED\r\n" END, 0},
    {GET H "Transfer-Encoding: gzip\r\n" END, 400},
    {GET H "Transfer-Encoding: gzip, chunked\r\n" END, 501},
    {GET H "Transfer-Encoding: chunked, chunked\r\n" END, 501},
    {GET H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, 501},
    {GET H "Transfer-Encoding: chunked;q=1\r\n" END, 400},
    {GET H "Transfer-Encoding: xchunked\r\n" END, 400},
    {GET H "Transfer-Encoding: \x0b"
           "chunked\r\n" END,
     400},
    {GET H "Transfer-Encoding: identity\r\n" END, 400},
    {GET H "Transfer-Encoding:\r\n" END, 400},
    {GET H "Transfer-Encoding: chunked, gzip\r\n" END, 400},
    {GET H "Transfer-Encoding: chunked,\r\n" END, 400},
    {GET H "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n" END, 400},
    {GET H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" END, 501},
    {GET H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END, 400},
    {GET H "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n" END, 400},
    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END, 400},
    // RFC 9110 section 10.1.1
    {GET H "Expect: 100-continue\r\n" END, 0},
    {GET H "Expect: 100-Continue\r\n" END, 0},
    {GET H "Expect: 200-ok\r\n" END, 417},
    {GET H "Expect: 100-continue, x\r\n" END, 417},
    {GET H "Expect: 100-continue\r\nExpect: 100-continue\r\n" END, 417},
    {GET H "Expect:\r\n" END, 417},
    {"GET / HTTP/1.0\r\nExpect: x\r\n" END, 0},
};

static void test_statuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        int got = parse(statuses[i].head);
        if (got != statuses[i].want)
            fail_msg("\"%s\": %d, want %d", statuses[i].head, got, statuses[i].want);
    }
}

static void test_nul_is_refused(void **state)
{
    static const struct slice heads[] = {
        {GET H "A: \0\r\n\r\n", sizeof(GET H "A: \0\r\n\r\n") - 1},
        {GET H "A\0: b\r\n\r\n", sizeof(GET H "A\0: b\r\n\r\n") - 1},
        {"GET /\0 HTTP/1.1\r\n" H END, sizeof("GET /\0 HTTP/1.1\r\n" H END) - 1},
        {"GET\0 / HTTP/1.1\r\n" H END, sizeof("GET\0 / HTTP/1.1\r\n" H END) - 1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
        assert_int_equal(request_parse(guarded(heads[i]), &request), 400);
}

static void test_parts(void **state)
{
    (void)state;
    assert_int_equal(parse("HEAD http://A:8080?x HTTP/1.1\r\nhOST: b:81\r\nUser-Agent:  c d \t\r\n"
                           "X: y\r\n\r\n"),
                     0);
    assert_int_equal(request.method, METHOD_HEAD);
    assert_slice(request.method_name, "HEAD");
    assert_slice(request.line, "HEAD http://A:8080?x HTTP/1.1");
    assert_slice(request.target, "http://A:8080?x");
    assert_slice(request.path, "/");
    assert_slice(request.query, "x");
    assert_slice(request.host, "A"); // not that of Host, RFC 9112 section 3.2.2
    assert_int_equal(request.minor_version, 1);
    assert_int_equal(request.field_count, 3);
    assert_slice(request.first[FIELD_HOST], "b:81");
    assert_slice(request.first[FIELD_USER_AGENT], "c d");
    assert_null(request.first[FIELD_RANGE].ptr);
    assert_int_equal(request.fields[2].id, FIELD_OTHER);
    assert_slice(request.fields[2].name, "X");
    assert_slice(request.fields[2].value, "y");

    assert_int_equal(parse(GET "Host: b:81\r\n\r\n"), 0);
    assert_slice(request.host, "b");
    assert_null(request.query.ptr);
    assert_int_equal(parse(GET "Host:\r\n\r\n"), 0);
    assert_int_equal(request.host.len, 0);
    assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n"), 0);
    assert_int_equal(request.host.len, 0);
    assert_int_equal(request.minor_version, 0);
    assert_int_equal(parse("GET / HTTP/1.7\r\n" H END), 0);
    assert_int_equal(request.minor_version, 1);
}

static void test_methods(void **state)
{
    static const struct {
        const char *head;
        enum method want;
    } cases[] = {
#define X(id) {#id " /x HTTP/1.0\r\n\r\n", METHOD_##id},
        X(GET) X(HEAD) X(OPTIONS) X(POST) X(PUT) X(DELETE) X(PATCH) X(TRACE)
#undef X
            {"CONNECT h:1 HTTP/1.0\r\n\r\n", METHOD_CONNECT},
        {"GETS / HTTP/1.0\r\n\r\n", METHOD_OTHER},
        {"GE / HTTP/1.0\r\n\r\n", METHOD_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse(cases[i].head), 0);
        assert_int_equal(request.method, cases[i].want);
    }
}

// Of a head that is refused before it is complete the method is known, and nothing else.
static void test_start(void **state)
{
    static const struct {
        const char *start;
        enum method method;
    } cases[] = {
        {"HEAD / HTTP/1.1\r\nHost: a\r\nX", METHOD_HEAD},
        {"HEAD /", METHOD_HEAD},
        {"HEAD", METHOD_HEAD},
        {"HEA", METHOD_OTHER},
        {"HEADS /", METHOD_OTHER},
        {"GET /", METHOD_GET},
        {"", METHOD_OTHER},
        {" HEAD /", METHOD_OTHER},
        {"\x16\x03\x01", METHOD_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(request_parse(guarded_text(GET H END), &request), 0);
        request_parse_start(guarded_text(cases[i].start), &request);
        assert_int_equal(request.method, cases[i].method);
        assert_true(request.line.len == 0 && request.field_count == 0);
        assert_null(request.first[FIELD_HOST].ptr);
    }
}

static void test_body(void **state)
{
    (void)state;
    assert_int_equal(parse(GET H END), 0);
    assert_int_equal(request.body, BODY_NONE);
    assert_int_equal(parse(GET H "Content-Length: 0\r\n" END), 0);
    assert_int_equal(request.body, BODY_NONE);
    assert_int_equal(parse(GET H "Content-Length: 007\r\n" END), 0);
    assert_int_equal(request.body, BODY_LENGTH);
    assert_int_equal(request.content_length, 7);
    assert_int_equal(parse(GET H "Transfer-Encoding: Chunked\r\n" END), 0);
    assert_int_equal(request.body, BODY_CHUNKED);
}

// RFC 9112 section 9.3
static void test_persistence(void **state)
{
    static const struct {
        const char *head;
        bool want;
    } cases[] = {
        {GET H END, true},
        {GET H "Connection: close\r\n" END, false},
        {GET H "Connection: CLOSE\r\n" END, false},
        {GET H "Connection: closed\r\n" END, true},
        {GET H "Connection: keep-alive, close\r\n" END, false},
        {GET H "Connection: x ,\tclose ,\r\n" END, false},
        {GET H "Connection: keep-alive\r\nConnection: close\r\n" END, false},
        {GET H "Connection:\r\n" END, true},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: x\r\nConnection: y,keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse(cases[i].head), 0);
        if (request.keep_alive != cases[i].want)
            fail_msg("\"%s\"", cases[i].head);
    }
}

static void test_expect(void **state)
{
    (void)state;
    assert_int_equal(parse(GET H "Expect: 100-CONTINUE\r\n" END), 0);
    assert_true(request.expect_continue);
    assert_int_equal(parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n" END), 0);
    assert_false(request.expect_continue);
    assert_int_equal(parse(GET H END), 0);
    assert_false(request.expect_continue);
}

// The access log wants the line of a refused request.
static void test_line_of_refused(void **state)
{
    (void)state;
    assert_int_equal(parse(GET "A : b\r\n" END), 400);
    assert_slice(request.line, "GET / HTTP/1.1");
    assert_int_equal(parse("GET / HTTP/2.0\r\n" END), 505);
    assert_slice(request.line, "GET / HTTP/2.0");
    assert_int_equal(parse("GET / x\r\n" END), 400);
    assert_int_equal(request.line.len, 0);
}

static void test_next_and_single_field(void **state)
{
    struct slice value = SLICE("?");
    uint32_t at = 0;
    (void)state;
    assert_int_equal(parse(GET H "Accept: a\r\nX: y\r\naccept: b\r\nRange: c\r\n" END), 0);
    assert_true(request_next_field(&request, FIELD_ACCEPT, &at, &value));
    assert_slice(value, "a");
    assert_true(request_next_field(&request, FIELD_ACCEPT, &at, &value));
    assert_slice(value, "b");
    assert_false(request_next_field(&request, FIELD_ACCEPT, &at, &value));
    assert_false(request_single_field(&request, FIELD_ACCEPT, &value));
    assert_false(request_single_field(&request, FIELD_IF_MATCH, &value));
    assert_slice(value, "b");
    assert_true(request_single_field(&request, FIELD_RANGE, &value));
    assert_slice(value, "c");
    assert_slice(request.first[FIELD_ACCEPT], "a");
}

static void test_most_fields(void **state)
{
    static char head[sizeof(GET) + 9 + 4 * REQUEST_MAX_FIELDS];
    size_t n = sizeof(GET) - 1;
    (void)state;
    memcpy(head, GET, n);
    for (int i = 0; i < REQUEST_MAX_FIELDS - 1; i++, n += 4)
        memcpy(head + n, "A:\r\n", 4);
    memcpy(head + n, "Host:\r\n\r\n", 10);
    assert_int_equal(parse(head), 0);
    assert_int_equal(request.field_count, REQUEST_MAX_FIELDS);
}

// find_field() relies on it.
static void test_names_in_order(void **state)
{
    static const size_t lengths[] = {
#define X(id, name) sizeof(name) - 1,
        FIELD_TABLE(X)
#undef X
    };
    (void)state;
    for (size_t i = 1; i < ARRAY_SIZE(lengths); i++)
        assert_true(lengths[i - 1] <= lengths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_in_order),
        cmocka_unit_test(test_scan_in_every_split),
        cmocka_unit_test(test_scan_limit_of_fields),
        cmocka_unit_test(test_scan_stops_at_end),
        cmocka_unit_test(test_skip_empty_lines),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_persistence),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_line_of_refused),
        cmocka_unit_test(test_next_and_single_field),
        cmocka_unit_test(test_most_fields),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
