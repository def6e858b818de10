#include "support/explainfixture.h"

#include "explain/explain_rules.h"

TEST(test_changes)
{
    static const struct explain_case cases[] = {
        {"/", "", "rule       F:7  /**\n           sets X-A: 1\n"},
        {"/b/", "", "sets X-A: 1 (overruled by F:9)\n"},
        {"/b/", "", "rule       F:9  /b/**\n           sets X-A: 2 (overruled by the same rule)\n"},
        {"/b/", "", "sets X-A: 3\n           takes away X-B\n"},
        {"/old/x?y", "", "rule       F:10  /old/**\n           redirects to /new/x?y with 302\n"},
        {"/old/a/x", "", "redirects to /new/$1 with 302 (overruled by F:25)\n"},
        {"/old/a/x", "", "rewrites to /never (not used: F:25 decides)\n"},
        {"/old/a/x", "", "redirects to /x/a with 301\n"},
        {"/old/gone/x", "", "redirects to /x/$1 with 301 (overruled by F:26)\n"},
        {"/old/gone/x", "", "answers with 404\n"},
        {"/gone", "", "rule       F:11  /gone\n           answers with 410\n"},
        {"/in/x", "", "refuses the client 127.0.0.1, which is not in its allow\n"},
        {"/out/x", "", "refuses the client 127.0.0.1, which is in its deny\n"},
        {"/out/x", "",
         "lets the client 127.0.0.1 in\n"
         "           answers with 410 (not used: the client is refused)\n"},
        {"/try/page", "", "rule       F:14  /try/*\n           tries /$1, /$1.html\n"},
        {"/try/page", "",
         "rule       F:13  /try/**\n           rewrites to /never (overruled by F:14)\n"},
        {"/app/x", "", "falls back to /page.html\n"},
        {"/app/x", "", "gives it the type text/z (not to the page that stands in)\n"},
        {"/app/x", "",
         "rule       F:19  /page.html  (by the path of the file)\n"
         "           sets Cache-Control: no-cache\n"},
        {"/t/", "",
         "rule       F:17  /t/**\n           gives it the type text/x (overruled by F:18)\n"
         "           listing = true\n           dotfiles = true\n"},
        {"/t/", "", "gives it the type text/y\n           symlinks = \"none\"\n"},
        {"/page.html", "If-Match: \"x\"\r\n",
         "sets Cache-Control: no-cache (not with status 412)\n"},
        {"/none", "", "has the error page /e404.html\n"},
        {"/e2/x", "", "rule       F:28  /e1/*, /e2/*\n           answers with 410\n"},
        {"/e2/not", "", "rule       F:28  /e1/*, /e2/*  (not here: except /*/not)\n"},
        {"/pages/none", "", "has the error page /e404.html (overruled by F:31)\n"},
        // The rules of the page's own path have no say in which page it is.
        {"/pages/none", "", "has the error page /page.html\n"},
        {"/policy/none", "", "base-uri 'none' (not with status 404)\n"},
        {"/cors", "", "says which origins may read it (CORS)\n"},
    };
    explain_check(cases, ARRAY_SIZE(cases));
}

TEST(test_none)
{
    assert_says(explain_head("GET / HTTP/1.1\r\nHost: z.test\r\n\r\n", "unix", 0),
                "rule       the site has none\n");
    assert_says(explain_head("GET /in/x HTTP/1.1\r\nHost: a.test\r\n\r\n", "192.0.2.9", 0),
                "rule       F:12  /in/**\n           lets the client 192.0.2.9 in\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests_name("explain_rules", tests, explain_setup, explain_teardown);
}
