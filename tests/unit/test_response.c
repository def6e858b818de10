#include "support/unit.h"

#include "http/httpdate.h"
#include "http/response.h"

#include <stdio.h>

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

#define COMMON "Server: tined\r\nDate: " DATE "\r\n"

static const struct {
    struct response response;
    const char *want;
} cases[] = {
    {{.status = 200,
      .about = {"ETag: \"a\"\r\nAccept-Ranges: bytes\r\n", 33},
      .has_length = true,
      .content_length = UINT64_MAX},
     "HTTP/1.1 200 OK\r\n" COMMON "ETag: \"a\"\r\n"
     "Accept-Ranges: bytes\r\nContent-Length: 18446744073709551615\r\n\r\n"},
    {{.status = 206,
      .has_length = true,
      .content_length = 10,
      .range_offset = 90,
      .range_length = 10,
      .total = 100},
     "HTTP/1.1 206 Partial Content\r\n" COMMON "Content-Length: 10\r\n"
     "Content-Range: bytes 90-99/100\r\n\r\n"},
    {{.status = 416, .has_length = true, .total = 0},
     "HTTP/1.1 416 Range Not Satisfiable\r\n" COMMON "Content-Length: 0\r\n"
     "Content-Range: bytes */0\r\n\r\n"},
    {{.status = 304, .connection = CONNECTION_KEEP_ALIVE, .about = {"ETag: \"a\"\r\n", 11}},
     "HTTP/1.1 304 Not Modified\r\n" COMMON "Connection: keep-alive\r\n"
     "ETag: \"a\"\r\n\r\n"},
    {{.status = 301,
      .connection = CONNECTION_CLOSE,
      .type = {"text/html", 9},
      .location = {"b/", 2}},
     "HTTP/1.1 301 Moved Permanently\r\n" COMMON "Connection: close\r\n"
     "Content-Type: text/html\r\nLocation: b/\r\n\r\n"},
    {{.status = 405, .allow = {"GET, HEAD", 9}},
     "HTTP/1.1 405 Method Not Allowed\r\n" COMMON "Allow: GET, HEAD\r\n\r\n"},
    {{.status = 503, .retry_after = 5},
     "HTTP/1.1 503 Service Unavailable\r\n" COMMON "Retry-After: 5\r\n\r\n"},
};

TEST(test_format)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[512];
        struct response r = cases[i].response;
        size_t len = strlen(cases[i].want);
        r.common = SLICE(COMMON);
        struct buf b = buf_make(text, len);
        response_begin(&b, &r);
        response_end(&b);
        assert_slice(buf_slice(&b), cases[i].want);
        assert_false(b.overflow);
        b = buf_make(text, len - 1);
        response_begin(&b, &r);
        response_end(&b);
        assert_true(b.overflow);
    }
}

TEST(test_common)
{
    static const struct {
        const char *server, *want;
    } servers[] = {{"tined", COMMON}, {"", "Date: " DATE "\r\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
        char text[RESPONSE_COMMON_MAX];
        struct buf b = buf_make(text, sizeof(text));
        response_common(&b, slice_of(servers[i].server), 784111777);
        assert_slice(buf_slice(&b), servers[i].want);
    }
}

#define LENGTH "Content-Length: 1\r\n"

TEST(test_describe)
{
    static const struct {
        struct representation rep;
        const char *lines;
        size_t etag_len, validators_len;
    } descriptions[] = {
        {{1, {"\"a\"", 3}, 784111777, 0, false, 1},
         "ETag: \"a\"\r\nLast-Modified: " DATE
         "\r\nAccept-Ranges: bytes\r\nContent-Type: t/s\r\n" LENGTH,
         11,
         57},
        {{1, {NULL, 0}, 784111777, 0, false, 1},
         "Last-Modified: " DATE "\r\nAccept-Ranges: bytes\r\nContent-Type: t/s\r\n" LENGTH,
         46,
         46},
        {{1, {"\"a\"", 3}, -1, 0, false, 2},
         "ETag: \"a\"\r\nAccept-Ranges: bytes\r\nContent-Type: t/s\r\n" LENGTH,
         11,
         11},
        {{1, {NULL, 0}, -1, 0, false, 0},
         "Accept-Ranges: none\r\nContent-Type: t/s\r\n" LENGTH,
         0,
         0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(descriptions); i++) {
        char text[DESCRIPTION_MAX];
        struct buf b = buf_make(text, sizeof(text));
        struct description d;
        buf_puts(&b, "before");
        response_describe(&b, &descriptions[i].rep, SLICE(""), SLICE("t/s"), &d);
        assert_slice(d.lines, descriptions[i].lines);
        assert_slice(slice_skip(d.lines, d.type_at), "Content-Type: t/s\r\n" LENGTH);
        assert_slice(slice_skip(d.lines, d.length_at), LENGTH);
        assert_int_equal(d.etag_len, descriptions[i].etag_len);
        assert_int_equal(d.validators_len, descriptions[i].validators_len);
    }
}

// The longest tag and a long media type fit.
TEST(test_description_max)
{
    char etag[80], text[DESCRIPTION_MAX];
    struct buf e = buf_make(etag, sizeof(etag)), b = buf_make(text, sizeof(text));
    struct description d;
    response_etag(&e, UINT64_MAX);
    assert_false(e.overflow);
    struct representation rep = {UINT64_MAX, buf_slice(&e), INT64_MAX, 0, false, 1};
    response_describe(
        &b, &rep, SLICE("zstd"),
        SLICE("application/vnd.openxmlformats-officedocument.presentationml.presentation"
              "; charset=utf-8"),
        &d);
    assert_false(b.overflow);
}

TEST(test_etag)
{
    char text[80];
    struct buf b = buf_make(text, sizeof(text));
    response_etag(&b, 0xabc0123456789def);
    assert_slice(buf_slice(&b), "\"abc0123456789def\"");
}

TEST(test_etag_shared)
{
    char text[80];
    struct buf b = buf_make(text, sizeof(text));
    response_etag_shared(&b, 4096, 784111777, SLICE(""));
    assert_slice(buf_slice(&b), "W/\"1000-2ebc98a1\"");
    b.len = 0;
    response_etag_shared(&b, 4096, 784111777, SLICE("gzip"));
    assert_slice(buf_slice(&b), "W/\"1000-2ebc98a1-gzip\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),   cmocka_unit_test(test_common),
        cmocka_unit_test(test_describe), cmocka_unit_test(test_description_max),
        cmocka_unit_test(test_etag),     cmocka_unit_test(test_etag_shared),
    };
    return cmocka_run_group_tests_name("response", tests, NULL, NULL);
}
