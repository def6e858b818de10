#include "support/unit.h"

#include "cli/url.h"

TEST(test_good)
{
    static const struct {
        const char *text, *authority, *host;
        uint16_t port;
        const char *target;
    } cases[] = {
        {"http://example.org/", "example.org", "example.org", 80, "/"},
        {"example.org", "example.org", "example.org", 80, "/"},
        {"HTTPS://example.org/a", "example.org", "example.org", 443, "/a"},
        {"http://example.org:8080/a?b#c", "example.org:8080", "example.org", 8080, "/a?b"},
        {"http://[::1]:81?x", "[::1]:81", "[::1]", 81, "/?x"},
        {"localhost#top", "localhost", "localhost", 80, "/"},
        {"a/b c\xc3\xa9<\"", "a", "a", 80, "/b%20c%C3%A9%3C%22"},
        {"a/%2e%41", "a", "a", 80, "/%2e%41"},
        {"a:/x", "a:", "a", 80, "/x"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[64];
        struct buf target = buf_make(text, sizeof(text));
        struct url url;
        assert_null(url_parse(cases[i].text, CHAR_URI, &url, &target));
        assert_slice(url.authority, cases[i].authority);
        assert_slice(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.is_secure, cases[i].port == 443);
        assert_slice(buf_slice(&target), cases[i].target);
    }
}

TEST(test_bare)
{
    char text[64];
    struct buf target = buf_make(text, sizeof(text));
    struct url url;
    assert_null(url_parse("a/ \xc3\xa9\xff<\">\x7f\n%?\xc3 \"#\xc3", CHAR_TARGET, &url, &target));
    assert_slice(buf_slice(&target), "/%20\xc3\xa9\xff<\">%7F%0A%?\xc3%20\"");
}

TEST(test_bad)
{
    static const char *const cases[] = {"",     "/docs/",  "http://",  "ftp://a/",
                                        "a b/", "user@a/", "a:99999/", "[::1/"};
    char text[8];
    struct url url;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf target = buf_make(text, sizeof(text));
        assert_non_null(url_parse(cases[i], CHAR_URI, &url, &target));
    }
    struct buf target = buf_make(text, sizeof(text));
    assert_string_equal(url_parse("a/too/long/for/it", CHAR_URI, &url, &target), "it is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bare),
                                       cmocka_unit_test(test_bad)};
    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
