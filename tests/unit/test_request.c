#include "support/guarded.h"
#include "support/unit.h"

#include "http/request.h"

#define GET "GET / HTTP/1.1\r\n"
#define H   "Host: h\r\n"
#define END "\r\n"

static struct request request;

// ---- taking apart -----------------------------------------------------------------------------

static enum reason parse_reason(const char *head)
{
    memset(&request, 0xaa, sizeof(request));
    return request_parse(guarded_text(head), &request);
}

// The status to refuse it with, or 0.
static int parse(const char *head)
{
    return reason_status(parse_reason(head));
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
    {"GET /\x80\"<>?\x80\"<> HTTP/1.1\r\n" H END, 0},
    {"GET /\x7f HTTP/1.1\r\n" H END, 400},
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

TEST(test_statuses)
{
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        int got = parse(statuses[i].head);
        if (got != statuses[i].want)
            fail_msg("\"%s\": %d, want %d", statuses[i].head, got, statuses[i].want);
    }
}

TEST(test_nul_is_refused)
{
    static const struct slice heads[] = {
        {GET H "A: \0\r\n\r\n", sizeof(GET H "A: \0\r\n\r\n") - 1},
        {GET H "A\0: b\r\n\r\n", sizeof(GET H "A\0: b\r\n\r\n") - 1},
        {"GET /\0 HTTP/1.1\r\n" H END, sizeof("GET /\0 HTTP/1.1\r\n" H END) - 1},
        {"GET\0 / HTTP/1.1\r\n" H END, sizeof("GET\0 / HTTP/1.1\r\n" H END) - 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
        assert_int_equal(reason_status(request_parse(guarded(heads[i]), &request)), 400);
}

TEST(test_reasons)
{
    static const struct {
        const char *head;
        enum reason want;
    } cases[] = {
        {"G@T / HTTP/1.1\r\n" H END, REASON_REQUEST_METHOD},
        {"GET /\r\n" H END, REASON_REQUEST_VERSION},
        {"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\n" GET H END, REASON_REQUEST_PROXY},
        {"PROXY TCP6 ::1 ::1 1 80\r\n" GET H END, REASON_REQUEST_PROXY},
        {"PROXY UNKNOWN\r\n" GET H END, REASON_REQUEST_PROXY},
        {"PROXY /\r\n" H END, REASON_REQUEST_VERSION},
        {"GET / HTTP/2.0\r\n" H END, REASON_REQUEST_OTHER_VERSION},
        {"GET /\x7f HTTP/1.1\r\n" H END, REASON_REQUEST_TARGET},
        {"GET * HTTP/1.1\r\n" H END, REASON_REQUEST_TARGET_FORM},
        {"GET ftp://a/ HTTP/1.1\r\n" H END, REASON_REQUEST_SCHEME},
        {"GET https://a/ HTTP/1.1\r\n" H END, REASON_REQUEST_HTTPS},
        {"GET http://u@a/ HTTP/1.1\r\n" H END, REASON_REQUEST_AUTHORITY},
        {"CONNECT a HTTP/1.1\r\n" H END, REASON_REQUEST_AUTHORITY},
        {GET H "A: b\r\n c\r\n" END, REASON_REQUEST_OBS_FOLD},
        {GET H "A: b\r\n\tc: d\r\n" END, REASON_REQUEST_OBS_FOLD},
        {GET H "A : b\r\n" END, REASON_REQUEST_FIELD_NAME},
        {GET H "A\r\n" END, REASON_REQUEST_FIELD_NAME},
        {GET "Host\r\n" END, REASON_REQUEST_FIELD_NAME},
        {GET H "A: \x01\r\n" END, REASON_REQUEST_FIELD_VALUE},
        {GET END, REASON_REQUEST_NO_HOST},
        {GET H H END, REASON_REQUEST_HOSTS},
        {GET "Host: a b\r\n" END, REASON_REQUEST_HOST},
        {GET H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
         REASON_REQUEST_TWO_FRAMINGS},
        {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END, REASON_REQUEST_OLD_CHUNKED},
        {GET H "Transfer-Encoding: gzip\r\n" END, REASON_REQUEST_NOT_CHUNKED},
        {GET H "Transfer-Encoding: gzip, chunked\r\n" END, REASON_REQUEST_CODING},
        {GET H "Content-Length: 5\r\nContent-Length: 5\r\n" END, REASON_REQUEST_LENGTH},
        {GET H "Expect: more\r\n" END, REASON_REQUEST_EXPECTATION},
        {GET H END, REASON_NONE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum reason got = parse_reason(cases[i].head);
        if (got != cases[i].want)
            fail_msg("\"%s\": %s", cases[i].head, reason_text(got));
    }
}

TEST(test_parts)
{
    assert_int_equal(parse("HEAD http://A:8080?x HTTP/1.1\r\nhOST: b:81\r\nUser-Agent:  c d \t\r\n"
                           "X: y\r\n\r\n"),
                     0);
    assert_int_equal(request.method, METHOD_HEAD);
    assert_slice(request.method_name, "HEAD");
    assert_slice(request.line, "HEAD http://A:8080?x HTTP/1.1");
    assert_slice(request.target, "http://A:8080?x");
    assert_slice(request.protocol, "HTTP/1.1");
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

TEST(test_methods)
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
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse(cases[i].head), 0);
        assert_int_equal(request.method, cases[i].want);
    }
}

// Of a head that is refused before it is complete, what has come of it is known.
TEST(test_start)
{
    static const struct {
        const char *start;
        enum method method;
        const char *name, *target, *protocol, *agent; // NULL: none
    } cases[] = {
        {"HEAD / HTTP/1.1\r\nHost: a\r\nX", METHOD_HEAD, "HEAD", "/", "HTTP/1.1", NULL},
        {"GET /a?b HTTP/1.1\r\nUser-Agent: me \r\nUser-Agent: you\r\nX: ", METHOD_GET, "GET",
         "/a?b", "HTTP/1.1", "me"},
        {"GET / HTTP/1.1\r\nUser-Agent: me", METHOD_GET, "GET", "/", "HTTP/1.1", NULL},
        {"GET / HTTP/1.1\r\n a: b\r\nUser-Agent: me\r\n", METHOD_GET, "GET", "/", "HTTP/1.1", NULL},
        {"GET / HTTP/1.1\r\nA: b\nUser-Agent: me\r\n", METHOD_GET, "GET", "/", "HTTP/1.1", NULL},
        {"HEAD /", METHOD_HEAD, "HEAD", "/", "", NULL},
        {"X /a HTT", METHOD_OTHER, "X", "/a", "", NULL},
        {"GET / HTTP/1.1\r", METHOD_GET, "GET", "/", "", NULL},
        {"GET / HTTP/1.1\n", METHOD_GET, "GET", "/", "", NULL},
        {"GET / HTTP/1.1\nA: b\r\n\r\n", METHOD_GET, "GET", "/", "", NULL},
        {"HEAD", METHOD_HEAD, NULL, NULL, NULL, NULL},
        {"HEA", METHOD_OTHER, NULL, NULL, NULL, NULL},
        {"HEADS /", METHOD_OTHER, "HEADS", "/", "", NULL},
        {"GET a b c\r\n", METHOD_GET, NULL, NULL, NULL, NULL},
        {"", METHOD_OTHER, NULL, NULL, NULL, NULL},
        {" HEAD /", METHOD_OTHER, NULL, NULL, NULL, NULL},
        {"\x16\x03\x01 /", METHOD_OTHER, NULL, NULL, NULL, NULL},
        {"\n", METHOD_OTHER, NULL, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(request_parse(guarded_text(GET H END), &request), 0);
        request_parse_start(guarded_text(cases[i].start), &request);
        assert_int_equal(request.method, cases[i].method);
        assert_int_equal(request.line.len != 0, cases[i].name != NULL);
        assert_true(slice_find(request.line, '\n') < 0);
        if (cases[i].name) {
            assert_slice(request.method_name, cases[i].name);
            assert_slice(request.target, cases[i].target);
            assert_slice(request.protocol, cases[i].protocol);
        }
        assert_slice(request.first[FIELD_USER_AGENT], cases[i].agent ? cases[i].agent : "");
        assert_int_equal(request.field_count, 0);
    }
}

TEST(test_body)
{
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
TEST(test_persistence)
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
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(parse(cases[i].head), 0);
        if (request.keep_alive != cases[i].want)
            fail_msg("\"%s\"", cases[i].head);
    }
}

TEST(test_expect)
{
    assert_int_equal(parse(GET H "Expect: 100-CONTINUE\r\n" END), 0);
    assert_true(request.expect_continue);
    assert_int_equal(parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n" END), 0);
    assert_false(request.expect_continue);
    assert_int_equal(parse(GET H END), 0);
    assert_false(request.expect_continue);
}

// The access log wants the line of a refused request.
TEST(test_line_of_refused)
{
    assert_int_equal(parse(GET "A : b\r\n" END), 400);
    assert_slice(request.line, "GET / HTTP/1.1");
    assert_int_equal(parse("GET / HTTP/2.0\r\n" END), 505);
    assert_slice(request.line, "GET / HTTP/2.0");
    assert_int_equal(parse("GET / x\r\n" END), 400);
    assert_int_equal(request.line.len, 0);
}

TEST(test_next_and_single_field)
{
    struct slice value = SLICE("?");
    uint32_t at = 0;
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

TEST(test_most_fields)
{
    static char head[sizeof(GET) + 9 + 4 * REQUEST_MAX_FIELDS];
    size_t n = sizeof(GET) - 1;
    memcpy(head, GET, n);
    for (int i = 0; i < REQUEST_MAX_FIELDS - 1; i++, n += 4)
        memcpy(head + n, "A:\r\n", 4);
    memcpy(head + n, "Host:\r\n\r\n", 10);
    assert_int_equal(parse(head), 0);
    assert_int_equal(request.field_count, REQUEST_MAX_FIELDS);
}

// find_field() relies on it.
TEST(test_names_in_order)
{
    static const size_t lengths[] = {
#define X(id, name) sizeof(name) - 1,
        FIELD_TABLE(X)
#undef X
    };
    for (size_t i = 1; i < ARRAY_SIZE(lengths); i++)
        assert_true(lengths[i - 1] <= lengths[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_in_order),

        cmocka_unit_test(test_statuses),        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_reasons),

        cmocka_unit_test(test_parts),           cmocka_unit_test(test_methods),
        cmocka_unit_test(test_start),           cmocka_unit_test(test_body),
        cmocka_unit_test(test_persistence),     cmocka_unit_test(test_expect),
        cmocka_unit_test(test_line_of_refused), cmocka_unit_test(test_next_and_single_field),
        cmocka_unit_test(test_most_fields),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
