#include "support/guarded.h"
#include "support/unit.h"

#include "http/rulecheck.h"

struct check_case {
    const char *text;
    const char *why; // a word of the reason; NULL: good
};

static void assert_checks(const char *(*check)(struct slice), const struct check_case *cases,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *why = check(guarded_text(cases[i].text));
        if (!why != !cases[i].why || (why && !strstr(why, cases[i].why)))
            fail_msg("%s: %s", cases[i].text, why ? why : "good");
    }
}

TEST(test_field_value)
{
    static const struct check_case cases[] = {
        {"no-cache", NULL},  {"public, max-age=60", NULL},
        {"a\nb", "control"}, {" a", "blank"},
        {"a\t", "blank"},    {"", "blank"},
    };
    assert_checks(rulecheck_field_value, cases, ARRAY_SIZE(cases));
}

TEST(test_token)
{
    static const struct check_case cases[] = {
        {"utf-8", NULL}, {"ETag", NULL}, {"*", NULL}, {"a b", "word"}, {"a:", "word"}, {"", "word"},
    };
    assert_checks(rulecheck_token, cases, ARRAY_SIZE(cases));
}

TEST(test_media_type)
{
    static const struct check_case cases[] = {
        {"text/html", NULL},
        {"application/vnd.x+json", NULL},
        {"text/plain;charset=utf-8", NULL},
        {"text/plain; charset=utf-8; a=\"b;\\\"c\"", NULL},
        {"text/plain;a=\"\"", NULL},
        {"", "form"},
        {"text", "form"},
        {"text/", "form"},
        {"/html", "form"},
        {"text/html/x", "form"},
        {"text /html", "form"},
        {"text/html ", "form"},
        {"text/html\n", "form"},
        {"text/html;", "parameter"},
        {"text/html; charset", "parameter"},
        {"text/html; =x", "parameter"},
        {"text/html; charset=", "parameter"},
        {"text/html; charset=a b", "parameter"},
        {"text/html; a=\"b", "parameter"},
        {"text/html; a=\"b\"c\"", "parameter"},
        {"text/html; a=\"b\\", "parameter"},
        {"text/html; a=\"b\\\"", "parameter"},
        {"text/html; a=\"\n\"", "parameter"},
        {"text/html; charset=utf-8;", "parameter"},
    };
    assert_checks(rulecheck_media_type, cases, ARRAY_SIZE(cases));
}

TEST(test_types_line)
{
    static const struct check_case cases[] = {
        {"text/markdown md", NULL},
        {"text/markdown md  markdown\tmkd ", NULL},
        {"text/markdown", "extensions"},
        {"markdown md", "media type"},
        {"", "media type"},
        {"text/markdown .md", "last dot"},
        {"a/b tar.gz", "last dot"},
        {"a/b c/d", "file's name"},
        {"a/b c\x01", "file's name"},
    };
    assert_checks(rulecheck_types_line, cases, ARRAY_SIZE(cases));
}

TEST(test_origin)
{
    static const struct check_case cases[] = {
        {"*", NULL},
        {"https://app.example.org", NULL},
        {"http://localhost:3000", NULL},
        {"https://[2001:db8::1]:8443", NULL},
        {"moz-extension://0123-4567", NULL},
        {"https://a:80", NULL},
        {"http://localhost:*", NULL},
        {"https://127.0.0.1:*", NULL},
        {"http://[::1]:*", NULL},
        {"http://127.1.2.3:*", NULL},
        {"https://app:*", "localhost"},
        {"https://127.evil.org:*", "localhost"},
        {"http://localhost:1:*", "localhost"},
        {"http://:*", "localhost"},
        {"", "form"},
        {"null", "form"},
        {"app.example.org", "form"},
        {"https:app", "form"},
        {"https:/app", "form"},
        {"://app", "form"},
        {"1s://app", "form"},
        {"HTTPS://app", "form"},
        {"https://App", "small letters"},
        {"https://", "a host"},
        {"https://app/", "a host"},
        {"https://app:", "a host"},
        {"https://u@app", "a host"},
        {"https://app:443", "leave out the port"},
        {"http://app:80", "leave out the port"},
        {"https://*.example.org", "no part of a host"},
        {"http://localho*", "no part of a host"},
        {"http://*:8080", "no part of a host"},
        {"https://app:8*", "no part of a host"},
    };
    assert_checks(rulecheck_origin, cases, ARRAY_SIZE(cases));
}

TEST(test_redirect)
{
    static const struct check_case cases[] = {
        {"/", NULL},
        {"/new/$1", NULL},
        {"/$2/$1?x=$3#y", NULL},
        {"/a%20b/$$", NULL},
        {"http://example.org", NULL},
        {"https://www.example.org:8443/$1", NULL},
        {"https://[::1]/", NULL},
        {"https://a?x=$1", NULL},
        {"/new?", NULL},
        {"https://$host", NULL},
        {"https://$host/$1?", NULL},
        {"http://$host:8080/x", NULL},
        {"https://$host.evil.example/", "port"},
        {"https://$host:/", "port"},
        {"https://$host:99999/", "port"},
        {"https://$host:1@evil/", "port"},
        {"https://www.$host/", "the host is fixed"},
        {"https://a/$host", "write $$"},
        {"/$host", "write $$"},
        {"", "begin with '/'"},
        {"new", "begin with '/'"},
        {"$1", "begin with '/'"},
        {"ftp://a/", "begin with '/'"},
        {"javascript:x", "begin with '/'"},
        {"//evil.example", "another host"},
        {"/\\evil.example", "another host"},
        {"https://", "no good host"},
        {"https:///x", "no good host"},
        {"https://u@a/", "no good host"},
        {"https://a:99999/", "no good host"},
        {"https://$1/", "the host is fixed"},
        {"https://a$1.example/", "the host is fixed"},
        {"/a b", "blanks"},
        {"/\xc3\xbc", "ASCII"},
        {"/a\\b", "blanks"},
        {"/a\r\nX: y", "blanks"},
        {"/a\"b", "blanks"},
        {"/100%", "hexadecimal"},
        {"/%4", "hexadecimal"},
        {"/%$1", "hexadecimal"},
        {"/a#$1", "behind a '#'"},
        {"/$0", "write $$"},
        {"/$path", "write $$"},
        {"https://a/$", "write $$"},
    };
    assert_checks(rulecheck_redirect, cases, ARRAY_SIZE(cases));
}

TEST(test_path)
{
    static const struct check_case cases[] = {
        {"/", NULL},
        {"/v2/$1", NULL},
        {"$path", NULL},
        {"$path/index.html", NULL},
        {"/x$path.html", NULL},
        {"/$1/$2/", NULL},
        {"/a b \xc3\xbc/$$", NULL},
        {"/100%", NULL},
        {"/100%xy", NULL},
        {"/.well-known/x", NULL},
        {"", "begin with '/'"},
        {"v2", "begin with '/'"},
        {"$1/a", "begin with '/'"},
        {"$$path", "begin with '/'"},
        {"/a//b", "two slashes"},
        {"//a", "two slashes"},
        {"/a/../b", "\"..\""},
        {"/..", "\"..\""},
        {"/./a", "\"..\""},
        {"$path/..", "\"..\""},
        {"/a?b", "query"},
        {"/a#b", "'#'"},
        {"/a%20b", "escapes"},
        {"/a\nb", "control"},
        {"/a\x7f", "control"},
        {"/$0", "write $$"},
        {"/$pth", "write $$"},
        {"/$host", "write $$"},
        {"$host/x", "begin with"},
    };
    assert_checks(rulecheck_path, cases, ARRAY_SIZE(cases));
}

TEST(test_file_and_directory)
{
    static const struct check_case files[] = {
        {"/index.html", NULL}, {"/a/$1", NULL},      {"/a", NULL},      {"/", "a file"},
        {"/a/", "a file"},     {"a", "begin"},       {"", "begin"},     {"/a/../b", "\"..\""},
        {"/a%41", "escapes"},  {"/a//b", "slashes"}, {"/a?b", "query"},
    };
    static const struct check_case directories[] = {
        {"/d/", NULL},    {"/a/b/", NULL},    {"/", "whole site"},  {"/d", "end with '/'"},
        {"d/", "begin"},  {"", "begin"},      {"//", "slashes"},    {"/../", "\"..\""},
        {"/./", "\".\""}, {"/%41/", "escap"}, {"/a\n/", "control"},
    };
    assert_checks(rulecheck_file, files, ARRAY_SIZE(files));
    assert_checks(rulecheck_directory, directories, ARRAY_SIZE(directories));
}

TEST(test_error_page)
{
    static const struct check_case cases[] = {
        {"404 /404.html", NULL}, {"599 /a b", NULL},
        {"400 /x", NULL},        {"399 /x", "status"},
        {"600 /x", "status"},    {"0404 /x", "status"},
        {"/404.html", "status"}, {"", "status"},
        {"4xx /x", "status"},    {"404", "path"},
        {"404 ", "path"},        {"404 x", "begin with '/'"},
        {"404  /x", "begin"},    {"404 /x/", "it is a file"},
    };
    unsigned status;
    struct slice path;
    assert_checks(rulecheck_error_page, cases, ARRAY_SIZE(cases));
    rulecheck_split_error_page(SLICE("503 /a b"), &status, &path);
    assert_int_equal(status, 503);
    assert_slice(path, "/a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field_value), cmocka_unit_test(test_token),
        cmocka_unit_test(test_media_type),  cmocka_unit_test(test_types_line),
        cmocka_unit_test(test_origin),      cmocka_unit_test(test_redirect),
        cmocka_unit_test(test_path),        cmocka_unit_test(test_file_and_directory),
        cmocka_unit_test(test_error_page),
    };
    return cmocka_run_group_tests_name("rulecheck", tests, NULL, NULL);
}
