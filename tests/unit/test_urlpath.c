#include "guarded.h"
#include "unit.h"

#include "http/urlpath.h"

static const struct {
    const char *raw;
    int status;
    const char *want;
    bool hidden;
} cases[] = {
    {"/", 0, "", false},
    {"/a", 0, "a", false},
    {"/a/b", 0, "a/b", false},
    {"/a/b/", 0, "a/b/", false},
    // empty segments
    {"//", 0, "", false},
    {"//a//b///", 0, "a/b/", false},
    // RFC 3986 section 2.1: escapes, decoded once
    {"/%61%2D%7e", 0, "a-~", false},
    {"/a%20b%C3%a4", 0, "a b\xc3\xa4", false},
    {"/%2561", 0, "%61", false},
    {"/%252e%252e/a", 0, "%2e%2e/a", false},
    {"/%252f", 0, "%2f", false},
    {"/%5c..", 0, "\\..", false},
    {"/%3f%23", 0, "?#", false},
    {"/%", 400, "", false},
    {"/%4", 400, "", false},
    {"/%zz", 400, "", false},
    {"/%4g", 400, "", false},
    {"/a%/b", 400, "", false},
    {"/%2/a", 400, "", false},
    {"/%u0041", 400, "", false},
    // control bytes
    {"/%00", 400, "", false},
    {"/a%0a", 0, "a\n", false}, // a file may have such a name,
    {"/a%1F", 0, "a\x1f", false},
    {"/%7f", 0, "\x7f", false},
    {"/%80%ff", 0, "\x80\xff", false},
    // an escaped slash
    {"/a%2fb", 404, "", false},
    {"/%2F", 404, "", false},
    {"/..%2f..%2fetc", 404, "", false},
    // RFC 3986 section 5.2.4: dot segments
    {"/.", 0, "", false},
    {"/./a", 0, "a", false},
    {"/a/.", 0, "a/", false},
    {"/a/./b", 0, "a/b", false},
    {"/a/..", 0, "", false},
    {"/a/../", 0, "", false},
    {"/a/b/..", 0, "a/", false},
    {"/a/../b", 0, "b", false},
    {"/a/b/../../c", 0, "c", false},
    {"/a//../b", 0, "b", false},
    {"/ab/cd/%2e%2E/x", 0, "ab/x", false},
    {"/a/%2e", 0, "a/", false},
    {"/..", 400, "", false},
    {"/../a", 400, "", false},
    {"/a/../..", 400, "", false},
    {"/%2e%2e/a", 400, "", false},
    {"/.%2e/", 400, "", false},
    {"/a/../../b/c", 400, "", false},
    // hidden names; RFC 8615 for the exception
    {"/.git/config", 0, ".git/config", true},
    {"/a/.b", 0, "a/.b", true},
    {"/...", 0, "...", true},
    {"/..a", 0, "..a", true},
    {"/%2egit", 0, ".git", true},
    {"/.git/..", 0, "", true},
    {"/.well-known/acme", 0, ".well-known/acme", false},
    {"/.well-known", 0, ".well-known", false},
    {"/%2ewell-known/", 0, ".well-known/", false},
    {"/a/../.well-known/x", 0, ".well-known/x", false},
    {"/a/.well-known/x", 0, "a/.well-known/x", true},
    {"/.well-known/.x", 0, ".well-known/.x", true},
    {"/.well-knownx", 0, ".well-knownx", true},
    {"/.Well-Known", 0, ".Well-Known", true},
    {"/a.", 0, "a.", false},
    {"/a..b/c...", 0, "a..b/c...", false},
    {"/~u/a:b@c", 0, "~u/a:b@c", false},
};

static void test_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice raw = guarded_text(cases[i].raw), got = SLICE("");
        // raw.len bytes suffice: the guard stands behind them.
        struct slice room = guarded(raw);
        bool hidden = false;
        int status = urlpath_decode(raw, (char *)(uintptr_t)room.ptr, &got, &hidden);
        if (status != cases[i].status)
            fail_msg("\"%s\": %d, want %d", cases[i].raw, status, cases[i].status);
        assert_slice(got, cases[i].want);
        if (hidden != cases[i].hidden)
            fail_msg("\"%s\": %s", cases[i].raw, hidden ? "hidden" : "not hidden");
    }
}

static void test_encode(void **state)
{
    static const struct {
        const char *path, *want;
    } encodings[] = {
        {"", ""},
        {"a/b", "a/b"},
        {"a b", "a%20b"},
        {"100%", "100%25"},
        {"?#[]", "%3F%23%5B%5D"},
        {"\xc3\xa4", "%C3%A4"},
        {"\x01\x7f\"<>\\^`{|}'", "%01%7F%22%3C%3E%5C%5E%60%7B%7C%7D%27"},
        {"-._~!$&()*+,;=:@/", "-._~!$&()*+,;=:@/"},
    };
    char text[100];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(encodings); i++) {
        struct buf b = buf_make(text, sizeof(text));
        urlpath_encode(&b, guarded_text(encodings[i].path));
        assert_slice(buf_slice(&b), encodings[i].want);
        assert_false(b.overflow);
    }
}

static void test_slash_redirect(void **state)
{
    static const struct {
        const char *path, *query, *want;
    } redirects[] = {
        {"a/b c", "x", "b%20c/?x"},
        {"a", NULL, "a/"},
        {"a", "", "a/?"},
        {"a/b:c", NULL, "./b:c/"},
        {"a:b/c", NULL, "c/"},
        {"http:", NULL, "./http:/"},
        {"a/\xc3\xa4", "q=%20&r", "%C3%A4/?q=%20&r"},
    };
    char text[100];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(redirects); i++) {
        struct buf b = buf_make(text, sizeof(text));
        urlpath_slash_redirect(&b, guarded_text(redirects[i].path), slice_of(redirects[i].query));
        assert_slice(buf_slice(&b), redirects[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_slash_redirect),
    };
    return cmocka_run_group_tests_name("urlpath", tests, NULL, NULL);
}
