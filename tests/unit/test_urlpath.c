#include "guarded.h"
#include "unit.h"

#include "http/urlpath.h"

static const struct {
    const char *raw;
    int status;
    const char *want;
} cases[] = {
    {"/", 0, ""},
    {"/a", 0, "a"},
    {"/a/b", 0, "a/b"},
    {"/a/b/", 0, "a/b/"},
    // empty segments
    {"//", 0, ""},
    {"//a//b///", 0, "a/b/"},
    // RFC 3986 section 2.1: escapes, decoded once
    {"/%61%2D%7e", 0, "a-~"},
    {"/a%20b%C3%a4", 0, "a b\xc3\xa4"},
    {"/%2561", 0, "%61"},
    {"/%252e%252e/a", 0, "%2e%2e/a"},
    {"/%252f", 0, "%2f"},
    {"/%5c..", 0, "\\.."},
    {"/%3f%23", 0, "?#"},
    {"/%", 400, ""},
    {"/%4", 400, ""},
    {"/%zz", 400, ""},
    {"/%4g", 400, ""},
    {"/a%/b", 400, ""},
    {"/%2/a", 400, ""},
    {"/%u0041", 400, ""},
    // control bytes
    {"/%00", 400, ""},
    {"/a%0a", 400, ""},
    {"/a%1F", 400, ""},
    {"/%7f", 400, ""},
    {"/\x01", 400, ""},
    {"/%80%ff", 0, "\x80\xff"},
    // an escaped slash
    {"/a%2fb", 404, ""},
    {"/%2F", 404, ""},
    {"/..%2f..%2fetc", 404, ""},
    // RFC 3986 section 5.2.4: dot segments
    {"/.", 0, ""},
    {"/./a", 0, "a"},
    {"/a/.", 0, "a/"},
    {"/a/./b", 0, "a/b"},
    {"/a/..", 0, ""},
    {"/a/../", 0, ""},
    {"/a/b/..", 0, "a/"},
    {"/a/../b", 0, "b"},
    {"/a/b/../../c", 0, "c"},
    {"/a//../b", 0, "b"},
    {"/ab/cd/%2e%2E/x", 0, "ab/x"},
    {"/a/%2e", 0, "a/"},
    {"/..", 400, ""},
    {"/../a", 400, ""},
    {"/a/../..", 400, ""},
    {"/%2e%2e/a", 400, ""},
    {"/.%2e/", 400, ""},
    {"/a/../../b/c", 400, ""},
    // hidden names; RFC 8615 for the exception
    {"/.git/config", 404, ""},
    {"/a/.b", 404, ""},
    {"/...", 404, ""},
    {"/..a", 404, ""},
    {"/%2egit", 404, ""},
    {"/.git/..", 404, ""},
    {"/.well-known/acme", 0, ".well-known/acme"},
    {"/.well-known", 0, ".well-known"},
    {"/%2ewell-known/", 0, ".well-known/"},
    {"/a/../.well-known/x", 0, ".well-known/x"},
    {"/a/.well-known/x", 404, ""},
    {"/.well-known/.x", 404, ""},
    {"/.well-knownx", 404, ""},
    {"/.Well-Known", 404, ""},
    {"/a.", 0, "a."},
    {"/a..b/c...", 0, "a..b/c..."},
    {"/~u/a:b@c", 0, "~u/a:b@c"},
};

static void test_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice raw = guarded_text(cases[i].raw), got = SLICE("");
        // raw.len bytes suffice: the guard stands behind them.
        struct slice room = guarded(raw);
        int status = urlpath_decode(raw, (char *)(uintptr_t)room.ptr, &got);
        if (status != cases[i].status)
            fail_msg("\"%s\": %d, want %d", cases[i].raw, status, cases[i].status);
        assert_slice(got, cases[i].want);
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
