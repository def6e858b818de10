#include "support/guarded.h"
#include "support/unit.h"

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

TEST(test_decode)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice raw = guarded_text(cases[i].raw), got = SLICE("");
        // raw.len bytes suffice: the guard stands behind them.
        struct slice room = guarded(raw);
        bool hidden = false;
        int status = reason_status(urlpath_decode(raw, (char *)(uintptr_t)room.ptr, &got, &hidden));
        if (status != cases[i].status)
            fail_msg("\"%s\": %d, want %d", cases[i].raw, status, cases[i].status);
        assert_slice(got, cases[i].want);
        if (hidden != cases[i].hidden)
            fail_msg("\"%s\": %s", cases[i].raw, hidden ? "hidden" : "not hidden");
    }
}

TEST(test_unescape_slashes)
{
    static const struct {
        const char *raw;
        int status;
        const char *want;
    } slashes[] = {
        {"/@scope%2Fname", 0, "/@scope/name"},
        {"/a%2fb%2Fc/d", 0, "/a/b/c/d"},
        {"/a%252Fb%20c", 0, "/a%252Fb%20c"}, // once
        {"/a%2F", 0, "/a/"},
        {"/a%2F%2Fb", 0, "/a//b"},
        {"/a%2Fb/../c", 0, "/a/b/../c"}, // not beside it
        {"/a%2F.b", 0, "/a/.b"},
        {"/a%2F...", 0, "/a/..."},
        {"/%2", 0, "/%2"},
        {"/", 0, "/"},
        {"/a%2F..", 404, ""},
        {"/a%2F../b", 404, ""},
        {"/a/..%2Fb", 404, ""},
        {"/..%2Fb", 404, ""},
        {"/a/.%2Fb", 404, ""},
        {"/a%2F.", 404, ""},
        {"/a%2F%2e%2E/b", 404, ""},
        {"/a/.%2e%2Fb", 404, ""},
        {"/%2Fhost/x", 404, ""}, // "//host/x"
        {"/%2F", 404, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(slashes); i++) {
        struct slice raw = guarded_text(slashes[i].raw), got = SLICE("");
        struct slice room = guarded(raw);
        int status = reason_status(
            urlpath_unescape_slashes(raw, (char *)(uintptr_t)room.ptr, &got));
        if (status != slashes[i].status)
            fail_msg("\"%s\": %d, want %d", slashes[i].raw, status, slashes[i].status);
        assert_slice(got, slashes[i].want);
    }
}

TEST(test_encode)
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
    for (size_t i = 0; i < ARRAY_SIZE(encodings); i++) {
        struct buf b = buf_make(text, sizeof(text));
        urlpath_encode(&b, guarded_text(encodings[i].path));
        assert_slice(buf_slice(&b), encodings[i].want);
        assert_false(b.overflow);
    }
}

TEST(test_slash_redirect)
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
        {"a", "\xc3\xa4\"<>{%zz", "a/?%C3%A4%22%3C%3E{%zz"}, // no URI has these bytes
    };
    char text[100];
    for (size_t i = 0; i < ARRAY_SIZE(redirects); i++) {
        struct buf b = buf_make(text, sizeof(text));
        urlpath_slash_redirect(&b, guarded_text(redirects[i].path), slice_of(redirects[i].query));
        assert_slice(buf_slice(&b), redirects[i].want);
    }
}

TEST(test_unslash_redirect)
{
    static const struct {
        const char *path, *query, *want;
    } unslashed[] = {
        {"a/b c/", "x", "../b%20c?x"},
        {"a/", NULL, "../a"},
        {"a/", "", "../a?"},
        {"a/b:c/", NULL, "../b:c"},
    };
    char text[100];
    for (size_t i = 0; i < ARRAY_SIZE(unslashed); i++) {
        struct buf b = buf_make(text, sizeof(text));
        urlpath_unslash_redirect(&b, guarded_text(unslashed[i].path), slice_of(unslashed[i].query));
        assert_slice(buf_slice(&b), unslashed[i].want);
    }
}

TEST(test_has_dot_segment)
{
    const char *with[] = {".", "..", "/..", "/a/../b", "/a/.", "./a", "/../"};
    const char *without[] = {"", "/", "/a", "/a..", "/..a", "/.well-known/b", "/a//b", "/..."};
    for (size_t i = 0; i < ARRAY_SIZE(with); i++)
        assert_true(urlpath_has_dot_segment(slice_of(with[i])));
    for (size_t i = 0; i < ARRAY_SIZE(without); i++)
        assert_false(urlpath_has_dot_segment(slice_of(without[i])));
}

TEST(test_keep_one_slash)
{
    static const struct {
        const char *text;
        size_t start;
        const char *want;
    } references[] = {
        {"/a", 0, "/a"},
        {"//a", 0, "/a"},
        {"////", 0, "/"},
        {"a//b", 0, "a//b"},
        {"", 0, ""},
        {"//x//", 2, "//x//"},
        {"x: ///a//b", 3, "x: /a//b"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(references); i++) {
        char text[32];
        struct buf b = buf_make(text, sizeof(text));
        buf_puts(&b, references[i].text);
        urlpath_keep_one_slash(&b, references[i].start);
        assert_slice(buf_slice(&b), references[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),           cmocka_unit_test(test_unescape_slashes),
        cmocka_unit_test(test_encode),           cmocka_unit_test(test_slash_redirect),
        cmocka_unit_test(test_unslash_redirect), cmocka_unit_test(test_has_dot_segment),
        cmocka_unit_test(test_keep_one_slash),
    };
    return cmocka_run_group_tests_name("urlpath", tests, NULL, NULL);
}
