#include "guarded.h"
#include "unit.h"

#include "http/target.h"

#define NONE "(none)" // a slice without pointer

static const struct target_case {
    enum method method;
    const char *target;
    bool ok;
    enum target_form form;
    const char *path, *query, *host;
} cases[] = {
    // RFC 9112 section 3.2.1: origin-form
    {METHOD_GET, "/", true, TARGET_ORIGIN, "/", NONE, NONE},
    {METHOD_GET, "/a/b?c=d?e", true, TARGET_ORIGIN, "/a/b", "c=d?e", NONE},
    {METHOD_GET, "/?", true, TARGET_ORIGIN, "/", "", NONE},
    {METHOD_GET, "//h/x", true, TARGET_ORIGIN, "//h/x", NONE, NONE},
    {METHOD_OTHER, "/%zz", true, TARGET_ORIGIN, "/%zz", NONE, NONE},
    {METHOD_GET, "/[a]@:!$&'()*+,;=-._~", true, TARGET_ORIGIN, "/[a]@:!$&'()*+,;=-._~", NONE, NONE},
    // what browsers send unescaped
    {METHOD_GET, "/^`{|}\\?^`{|}\\", true, TARGET_ORIGIN, "/^`{|}\\", "^`{|}\\", NONE},
    {METHOD_GET, "", false, 0, "", "", ""},
    {METHOD_GET, "a", false, 0, "", "", ""},
    {METHOD_GET, "?a", false, 0, "", "", ""},
    {METHOD_GET, "/#a", false, 0, "", "", ""},
    {METHOD_GET, "/\"", false, 0, "", "", ""},
    {METHOD_GET, "/<>", false, 0, "", "", ""},
    {METHOD_GET, "/\x7f", false, 0, "", "", ""},
    {METHOD_GET, "/\x01", false, 0, "", "", ""},
    {METHOD_GET, "/\xc3\xa4", false, 0, "", "", ""},
    // section 3.2.2: absolute-form
    {METHOD_GET, "http://h", true, TARGET_ABSOLUTE, "/", NONE, "h"},
    {METHOD_GET, "HTTP://H:80/x?y", true, TARGET_ABSOLUTE, "/x", "y", "H"},
    {METHOD_GET, "hTTps://h?q", true, TARGET_ABSOLUTE, "/", "q", "h"},
    {METHOD_GET, "http://[::1]:8/", true, TARGET_ABSOLUTE, "/", NONE, "[::1]"},
    {METHOD_OPTIONS, "http://h", true, TARGET_ABSOLUTE, "/", NONE, "h"},
    {METHOD_GET, "http://", false, 0, "", "", ""},
    {METHOD_GET, "http:///x", false, 0, "", "", ""},
    {METHOD_GET, "http://:80/", false, 0, "", "", ""},
    {METHOD_GET, "http://u@h/", false, 0, "", "", ""},
    {METHOD_GET, "http://u:p@h/", false, 0, "", "", ""},
    {METHOD_GET, "http://h:x/", false, 0, "", "", ""},
    {METHOD_GET, "http:/h/", false, 0, "", "", ""},
    {METHOD_GET, "ftp://h/", false, 0, "", "", ""},
    {METHOD_GET, "httpx://h/", false, 0, "", "", ""},
    {METHOD_GET, "h:80", false, 0, "", "", ""},
    // section 3.2.3: authority-form
    {METHOD_CONNECT, "h:443", true, TARGET_AUTHORITY, "", NONE, "h"},
    {METHOD_CONNECT, "[::1]:443", true, TARGET_AUTHORITY, "", NONE, "[::1]"},
    {METHOD_CONNECT, "h", false, 0, "", "", ""},
    {METHOD_CONNECT, "h:", false, 0, "", "", ""},
    {METHOD_CONNECT, "h:65536", false, 0, "", "", ""},
    {METHOD_CONNECT, "/", false, 0, "", "", ""},
    {METHOD_CONNECT, "*", false, 0, "", "", ""},
    {METHOD_CONNECT, "http://h:1/", false, 0, "", "", ""},
    // section 3.2.4: asterisk-form
    {METHOD_OPTIONS, "*", true, TARGET_ASTERISK, "", NONE, NONE},
    {METHOD_GET, "*", false, 0, "", "", ""},
    {METHOD_OTHER, "*", false, 0, "", "", ""},
    {METHOD_OPTIONS, "**", false, 0, "", "", ""},
    {METHOD_OPTIONS, "*?a", false, 0, "", "", ""},
};

static void assert_part(struct slice got, const char *want)
{
    if (strcmp(want, NONE) == 0)
        assert_null(got.ptr);
    else
        assert_slice(got, want);
}

static void test_parse(void **state)
{
    static struct request r;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct target_case *c = &cases[i];
        memset(&r, 0, sizeof(r));
        r.method = c->method;
        r.target = guarded_text(c->target);
        if (target_parse(&r) != c->ok)
            fail_msg("\"%s\" is %s", c->target, c->ok ? "refused" : "taken");
        if (!c->ok)
            continue;
        assert_int_equal(r.form, c->form);
        assert_part(r.path, c->path);
        assert_part(r.query, c->query);
        assert_part(r.host, c->host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
    };
    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
