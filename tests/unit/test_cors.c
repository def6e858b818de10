#include "support/unit.h"

#include <stdio.h>

#include "http/cors.h"

static struct request request_of(const char *head)
{
    struct request r;
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    return r;
}

static const char *lines(const struct cors *cors, const char *head)
{
    static char text[512];
    struct buf b = buf_make(text, sizeof(text) - 1);
    const struct request r = request_of(head);
    cors_put(&b, cors, &r);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

#define GET       "GET / HTTP/1.1\r\nHost: a\r\n"
#define PREFLIGHT "OPTIONS / HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: GET\r\n"

TEST(test_for_all)
{
    const struct cors cors = {
        .any = true, .headers = SLICE("X-A, X-B"), .expose = SLICE("ETag"), .max_age = 600};
    assert_false(cors_varies(&cors));
    // The same for who says no origin: a cache may keep that answer for all.
    assert_string_equal(lines(&cors, GET "\r\n"), "Access-Control-Allow-Origin: *\r\n"
                                                  "Access-Control-Expose-Headers: ETag\r\n");
    assert_string_equal(lines(&cors, GET "Origin: https://x.example\r\n\r\n"),
                        "Access-Control-Allow-Origin: *\r\n"
                        "Access-Control-Expose-Headers: ETag\r\n");
    assert_string_equal(lines(&cors, PREFLIGHT "Origin: null\r\n\r\n"),
                        "Access-Control-Allow-Origin: *\r\n"
                        "Access-Control-Allow-Methods: GET, HEAD\r\n"
                        "Access-Control-Allow-Headers: X-A, X-B\r\n"
                        "Access-Control-Max-Age: 600\r\n");
}

TEST(test_for_some)
{
    const struct slice origins[] = {SLICE("https://a.example"), SLICE("http://b.example:8080")};
    const struct cors cors = {.origins = origins, .origin_count = 2, .credentials = true};
    static const char refused[][64] = {
        "",
        "Origin: https://c.example\r\n",
        "Origin: http://a.example\r\n",       // another scheme
        "Origin: https://a.example.evil\r\n", // more
        "Origin: https://A.example\r\n",      // browsers do not write it so
        "Origin: \r\n",
        "Origin: null\r\n",
    };
    char head[512];
    assert_true(cors_varies(&cors));
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        snprintf(head, sizeof(head), GET "%s\r\n", refused[i]);
        assert_string_equal(lines(&cors, head), "");
    }
    assert_string_equal(lines(&cors, GET "Origin: http://b.example:8080\r\n\r\n"),
                        "Access-Control-Allow-Origin: http://b.example:8080\r\n"
                        "Access-Control-Allow-Credentials: true\r\n");
    // Two origins are none.
    assert_string_equal(
        lines(&cors, GET "Origin: https://a.example\r\nOrigin: https://a.example\r\n\r\n"), "");
}

TEST(test_any_port)
{
    const struct slice origins[] = {SLICE("http://localhost:*"), SLICE("https://[::1]:*")};
    const struct cors cors = {.origins = origins, .origin_count = 2};
    static const struct {
        const char *origin;
        bool want;
    } cases[] = {
        {"http://localhost", true},       {"http://localhost:3000", true},
        {"https://[::1]:8443", true},     {"https://localhost:3000", false},
        {"http://localhost:", false},     {"http://localhost:3000x", false},
        {"http://localhost.evil", false}, {"http://localhost:1@evil", false},
        {"http://localhost:*", false},    {"http://[::1]:8443", false},
    };
    char head[256];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(head, sizeof(head), GET "Origin: %s\r\n\r\n", cases[i].origin);
        if ((*lines(&cors, head) != '\0') != cases[i].want)
            fail_msg("%s", cases[i].origin);
    }
}

TEST(test_preflight)
{
    static const struct {
        const char *head;
        bool want;
    } cases[] = {
        {PREFLIGHT "Origin: https://a\r\n\r\n", true},
        {PREFLIGHT "\r\n", false},
        {"OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\n\r\n", false},
        {GET "Origin: https://a\r\nAccess-Control-Request-Method: GET\r\n\r\n", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct request r = request_of(cases[i].head);
        assert_int_equal(cors_is_preflight(&r), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_all),
        cmocka_unit_test(test_for_some),
        cmocka_unit_test(test_any_port),
        cmocka_unit_test(test_preflight),
    };
    return cmocka_run_group_tests_name("cors", tests, NULL, NULL);
}
