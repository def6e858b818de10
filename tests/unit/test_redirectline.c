#include "support/guarded.h"
#include "support/unit.h"

#include "http/redirectline.h"

TEST(test_parse)
{
    static const struct {
        const char *text, *why; // a part of it; NULL: the line is good
    } cases[] = {
        {"", NULL},
        {"  # a comment", NULL},
        {"/old /new", NULL},
        {"\t/old \t/new  302 ", NULL},
        {"/old /new 308!", NULL},
        {"/old /new # why", NULL},
        {"/old /new 301 # why", NULL},
        {"/view id=:id page=2 /items/:id 302", NULL},
        {"/:year/:page /archive/:year-:page", NULL},
        {"/blog/* https://example.org:8443/:splat", NULL},
        {"/app/* /app.html 200", NULL},
        {"/old /new?a=b#top", NULL},
        {"old /new", "begins with a path"},
        {"https://a/x /new", "begins with a path"},
        {"/old", "where it leads"},
        {"/old 301", "begin with '/'"},
        {"/old //evil.example", "another host"},
        {"/old /\\evil.example", "another host"},
        {"/old ftp://a/", "begin with '/'"},
        {"/old https://u@a/", "no good host"},
        {"/old https://:a/", "no good host"},
        {"/old https://$host/", "host is fixed"},
        {"/old /b%zz", "hexadecimal"},
        {"/old /new 404", "a status is"},
        {"/old /new 99999", "stands a status"},
        {"/old /new x", "stands a status"},
        {"/old /new 302 Country=de", "conditions"},
        {"/old /new Language=de", "conditions"},
        {"/old /new 302! Role=admin", "conditions"},
        {"/api/* https://api.example.org/:splat 200", "another host"},
        {"/app /app.html?x 200", "without a query"},
        {"/a*b /new", "end of the path"},
        {"/a?x=1 /new", "no '?'"},
        {"/a =b /new", "has a name"},
        {"/a /new/:id", "placeholder"},
        {"/a /new/:splat", "placeholder"},
        {"/:a /new?x=:b", "placeholder"},
        {"/a a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 /new", "too many"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct redirectline line;
        const char *why = redirectline_parse(guarded_text(cases[i].text), &line);
        if (cases[i].why ? !why || !strstr(why, cases[i].why) : why != NULL)
            fail_msg("%s: %s", cases[i].text, why ? why : "good");
    }
}

TEST(test_expansion)
{
    static const struct {
        const char *line, *path, *query, *want; // NULL: it does not match
    } cases[] = {
        {"/old /new", "/old", NULL, "301 /new"},
        {"/old /new 302", "/old", "q=1", "302 /new?q=1"},
        {"/old /new?a=b", "/old", "q=1", "301 /new?a=b"},
        {"/old /new#top", "/old", "q=1", "301 /new?q=1#top"},
        {"/:year/:page /archive/:year-:page", "/2020/a b", NULL, "301 /archive/2020-a%20b"},
        {"/:year/:page /archive/:year-:page", "/2020/", NULL, NULL}, // no part is empty
        {"/:year/:page /archive/:year-:page", "/2020/a/b", NULL, NULL},
        {"/:year/:page /archive/:year-:page", "/2020", NULL, NULL},
        {"/blog/* https://e.test:81/:splat", "/blog/a/b c", NULL, "301 https://e.test:81/a/b%20c"},
        {"/blog/* https://e.test:81/:splat", "/blog/", NULL, "301 https://e.test:81/"},
        {"/blog/* https://e.test:81/:splat", "/blog", NULL, NULL},
        {"/a* /:splat", "/ab/c", NULL, "301 /b/c"},
        {"/a* /:splat", "/a/evil.test", NULL, "301 /evil.test"}, // no value names a host
        {"/:db8 https://[2001:db8::1]/:db8", "/x", NULL, "301 https://[2001:db8::1]/x"},
        {"/:id/x /y:1/:id", "/7/x", NULL, "301 /y:1/7"},
        {"/view id=:id /items/:id", "/view", "id=7&x", "301 /items/7?id=7&x"},
        {"/view id=:id /items/:id", "/view", "x&id=a%2Fb%0d%0a",
         "301 /items/a/b%0D%0A?x&id=a%2Fb%0d%0a"},
        {"/view id=:id /:id", "/view", "id=//evil.test", "301 /evil.test?id=//evil.test"},
        {"/view id=:id /items/:id", "/view", "idx=7", NULL},
        {"/view id=:id /items/:id", "/view", NULL, NULL},
        {"/view id=7 /seven?", "/view", "id=7", "301 /seven?"},
        {"/view id=7 /seven", "/view", "id=8", NULL},
        {"/view id= /none", "/view", "id", "301 /none?id"},
        {"/app/* /app.html 200", "/app/x", "q", "200 /app.html"},
    };
    char text[256], values_text[128];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct redirectline line;
        struct redirectline_values values = {0};
        struct buf b = buf_make(text, sizeof(text)), room = buf_make(values_text, 64);
        const char *got = NULL;
        assert_null(redirectline_parse(slice_of(cases[i].line), &line));
        struct slice path = guarded_text(cases[i].path), query = slice_of(cases[i].query);
        if (redirectline_match(line.path, path, &values) &&
            redirectline_has_parameters(&line, query, &room, &values)) {
            buf_printf(&b, "%d ", line.status);
            redirectline_put_target(&b, &line, &values, query);
            buf_putc(&b, '\0');
            got = text;
        }
        if (cases[i].want ? !got || strcmp(got, cases[i].want) != 0 : got != NULL)
            fail_msg("%s, %s: %s", cases[i].line, cases[i].path, got ? got : "no match");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_expansion),
    };
    return cmocka_run_group_tests_name("redirectline", tests, NULL, NULL);
}
