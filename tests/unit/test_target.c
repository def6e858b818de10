#include "support/guarded.h"
#include "support/unit.h"

#include "http/request.h"
#include "http/target.h"

#define NONE "(none)" // a slice without pointer

static const struct target_case {
    enum method method;
    const char *target;
    int status;
    enum target_form form;
    const char *path, *query, *host;
} cases[] = {
    // RFC 9112 section 3.2.1: origin-form
    {METHOD_GET, "/", 0, TARGET_ORIGIN, "/", NONE, NONE},
    {METHOD_GET, "/a/b?c=d?e", 0, TARGET_ORIGIN, "/a/b", "c=d?e", NONE},
    {METHOD_GET, "/?", 0, TARGET_ORIGIN, "/", "", NONE},
    {METHOD_GET, "//h/x", 0, TARGET_ORIGIN, "//h/x", NONE, NONE},
    {METHOD_OTHER, "/%zz", 0, TARGET_ORIGIN, "/%zz", NONE, NONE},
    {METHOD_GET, "/[a]@:!$&'()*+,;=-._~", 0, TARGET_ORIGIN, "/[a]@:!$&'()*+,;=-._~", NONE, NONE},
    // what browsers send unescaped
    {METHOD_GET, "/^`{|}\\?^`{|}\\", 0, TARGET_ORIGIN, "/^`{|}\\", "^`{|}\\", NONE},
    // what other clients send unescaped
    {METHOD_GET, "/\"<>?\"<>", 0, TARGET_ORIGIN, "/\"<>", "\"<>", NONE},
    {METHOD_GET, "/\xc3\xa4\x80\xff?\xe9", 0, TARGET_ORIGIN, "/\xc3\xa4\x80\xff", "\xe9", NONE},
    {METHOD_GET, "http://h/\xc3\xa4<?\"", 0, TARGET_ABSOLUTE, "/\xc3\xa4<", "\"", "h"},
    {METHOD_GET, "http://h\xc3\xa4/", 400, 0, "", "", ""},
    {METHOD_GET, "http://h\"/", 400, 0, "", "", ""},
    {METHOD_CONNECT, "h<:443", 400, 0, "", "", ""},
    {METHOD_GET, "", 400, 0, "", "", ""},
    {METHOD_GET, "a", 400, 0, "", "", ""},
    {METHOD_GET, "?a", 400, 0, "", "", ""},
    {METHOD_GET, "/#a", 400, 0, "", "", ""},
    {METHOD_GET, "/\x7f", 400, 0, "", "", ""},
    {METHOD_GET, "/\x01", 400, 0, "", "", ""},
    {METHOD_GET, "/a b", 400, 0, "", "", ""},
    // section 3.2.2: absolute-form
    {METHOD_GET, "http://h", 0, TARGET_ABSOLUTE, "/", NONE, "h"},
    {METHOD_GET, "HTTP://H:80/x?y", 0, TARGET_ABSOLUTE, "/x", "y", "H"},
    {METHOD_GET, "hTTp://h?q", 0, TARGET_ABSOLUTE, "/", "q", "h"},
    {METHOD_GET, "http://[::1]:8/", 0, TARGET_ABSOLUTE, "/", NONE, "[::1]"},
    {METHOD_OPTIONS, "http://h", 0, TARGET_ABSOLUTE, "/", NONE, "h"},
    // RFC 9110 section 7.4
    {METHOD_GET, "https://h/", 421, 0, "", "", ""},
    {METHOD_GET, "hTTps://h?q", 421, 0, "", "", ""},
    {METHOD_CONNECT, "https://h:1/", 400, 0, "", "", ""},
    {METHOD_GET, "https:/h", 400, 0, "", "", ""},
    {METHOD_GET, "http://", 400, 0, "", "", ""},
    {METHOD_GET, "http:///x", 400, 0, "", "", ""},
    {METHOD_GET, "http://:80/", 400, 0, "", "", ""},
    {METHOD_GET, "http://u@h/", 400, 0, "", "", ""},
    {METHOD_GET, "http://u:p@h/", 400, 0, "", "", ""},
    {METHOD_GET, "http://h:x/", 400, 0, "", "", ""},
    {METHOD_GET, "http:/h/", 400, 0, "", "", ""},
    {METHOD_GET, "ftp://h/", 400, 0, "", "", ""},
    {METHOD_GET, "httpx://h/", 400, 0, "", "", ""},
    {METHOD_GET, "h:80", 400, 0, "", "", ""},
    // section 3.2.3: authority-form
    {METHOD_CONNECT, "h:443", 0, TARGET_AUTHORITY, "", NONE, "h"},
    {METHOD_CONNECT, "[::1]:443", 0, TARGET_AUTHORITY, "", NONE, "[::1]"},
    {METHOD_CONNECT, "h", 400, 0, "", "", ""},
    {METHOD_CONNECT, "h:", 400, 0, "", "", ""},
    {METHOD_CONNECT, "h:65536", 400, 0, "", "", ""},
    {METHOD_CONNECT, "/", 400, 0, "", "", ""},
    {METHOD_CONNECT, "*", 400, 0, "", "", ""},
    {METHOD_CONNECT, "http://h:1/", 400, 0, "", "", ""},
    // section 3.2.4: asterisk-form
    {METHOD_OPTIONS, "*", 0, TARGET_ASTERISK, "", NONE, NONE},
    {METHOD_GET, "*", 400, 0, "", "", ""},
    {METHOD_OTHER, "*", 400, 0, "", "", ""},
    {METHOD_OPTIONS, "**", 400, 0, "", "", ""},
    {METHOD_OPTIONS, "*?a", 400, 0, "", "", ""},
};

static void assert_part(struct slice got, const char *want)
{
    if (strcmp(want, NONE) == 0)
        assert_null(got.ptr);
    else
        assert_slice(got, want);
}

TEST(test_parse)
{
    static const char *const names[] = {
#define X(id) [METHOD_##id] = #id,
        METHOD_TABLE(X)
#undef X
            [METHOD_OTHER] = "options",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct target_case *c = &cases[i];
        struct request_target t;
        struct slice method = slice_of(names[c->method]);
        int status = reason_status(target_parse(method, guarded_text(c->target), &t));
        if (status != c->status)
            fail_msg("\"%s\" gives %d", c->target, status);
        if (status)
            continue;
        assert_int_equal(t.form, c->form);
        assert_part(t.path, c->path);
        assert_part(t.query, c->query);
        assert_part(t.host, c->host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
