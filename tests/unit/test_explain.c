#include "support/explainfixture.h"

TEST(test_lines)
{
    static const struct explain_case cases[] = {
        {"/", "", "request    GET / HTTP/1.1, from 127.0.0.1 on *:80\n"},
        {"/", "", "site       F:3, root ROOT\n           by its name \"a.test\"\n"},
        {"/a%20b", "", "path       /a b, decoded\n"},
        {"/a%2fb", "", "cause      the path holds an escaped slash"},
        {"/%zz", "", "cause      the path holds a bad escape"},
        {"/b", "", "redirect   /b is a directory, so its address ends in a slash\n"},
        {"/try/page", "", "tried      /page: no file\ntried      /page.html: a file\n"},
        {"/page/", "", "redirect   /page is a page, whose address has no slash at its end\n"},
        {"/t", "", "redirect   /t is a directory, so its address ends in a slash\n"},
        {"/indexed", "", "tried      /nope: no file\ntried      /t/: a directory with an index\n"},
        {"/moved", "", "rewritten  /page.html: a file\n"},
        {"/app/x", "", "fallback   /page.html: a file\n"},
        {"/app/x", "Sec-Fetch-Mode: cors\r\n",
         "fallback   not for this request: Sec-Fetch-Mode is cors, not navigate\n"},
        {"/app/x.js", "Accept: */*\r\n",
         "fallback   not for this request, which is for a part of a page"},
        {"/.hidden", "", "cause      a name that begins with a dot is not shown"},
        {"/dir/", "", "cause      a rule leads to the directory /b, not to a file\n"},
        {"/none", "", "error page /e404.html: no file\n"},
        {"/page.html", "Range: bytes=1-2\r\n", "condition  Range: bytes=1-2 makes it 206\n"},
        {"/page.html", "Range: bytes=9-\r\n", "condition  Range: bytes=9- makes it 416\n"},
        {"/page.html", "Range: bytes=x\r\n", "range      is ignored: it is no list of byte ranges"},
        {"/page.html", "Range: bytes=1-2\r\nIf-Range: \"x\"\r\n",
         "range      is ignored: If-Range names another state of the file\n"},
        {"/page.html", "If-Match: \"x\"\r\n", "condition  If-Match: \"x\" makes it 412\n"},
        {"/page.html", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n",
         "condition  If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT is later than "
         "Last-Modified,\n"
         "           which is left out: the file may be another one since then\n"},
        {"/t/", "", "\n\nHTTP/1.1 200 OK\n"},
    };
    explain_check(cases, ARRAY_SIZE(cases));
}

// However many looks fail for it.
TEST(test_a_cause_is_said_once)
{
    const char *text = explain_get("/again", "");
    assert_int_equal(count_text(text, "/nope: No such file or directory"), 1);
    assert_int_equal(count_text(text, "tried "), 3);
}

TEST(test_heads)
{
    static const struct {
        const char *head;
        size_t listener;
        const char *want;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: x.a.test\r\n\r\n", 0, "by its name \"*.a.test\"\n"},
        {"GET / HTTP/1.1\r\nHost: z.test\r\n\r\n", 0, "it has no names, so it answers where"},
        {"GET / HTTP/1.1\r\nHost: z.test\r\n\r\n", 1,
         "no site has this name, and this is the first on *:81\n"},
        {"\r\nGET / HTTP/1.0\r\n\r\n", 0, "\nConnection: close\n"},
        {"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, "\n\nHTTP/1.1 204 No Content\n"},
        {"HEAD /page.html HTTP/1.1\r\nHost: a.test\r\n\r\n", 0, "\nContent-Length: 5\n"},
        {"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\n", 0,
         "cause      the method POST is not served\n"},
        {"BREW / HTTP/1.1\r\nHost: a.test\r\n\r\n", 0,
         "cause      the method BREW is not served\n"},
        {"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 0,
         "\nConnection: close\n"},
        {"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 999999\r\n\r\n", 0,
         "cause      the content is longer than limits.body\n"},
        {"GET / HTTP/1.1\r\n\r\n", 0, "cause      there is no Host field\n"},
        {"GET / HTTP/1.1\r\nHost: a", 0, "cause      the request's head has no end\n"},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 0, "cause      the version of HTTP is not one"},
        {"", 0, "cause      the request's head has no end\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_says(explain_head(cases[i].head, "127.0.0.1", cases[i].listener), cases[i].want);
}

// The connection that is made for it is new, whatever limits.connection_age says.
TEST(test_nobody_is_sent_away)
{
    assert_null(strstr(explain_get("/", ""), "\nConnection: close\n"));
}

TEST(test_clients)
{
    static const struct {
        const char *client;
        bool good, in;
    } cases[] = {
        {"192.0.2.1", true, true},  {"::ffff:192.0.2.1", true, true},
        {"192.0.3.1", true, false}, {"2001:db8::1", true, false},
        {"unix", true, false},      {"somebody", false, false},
        {"", false, false},
    };
    static const char head[] = "GET /in/x HTTP/1.1\r\nHost: a.test\r\n\r\n";
    struct explain e = {.served = &explain_served, .address = ""};
    struct buf b = buf_make(explained, EXPLAIN_MAX);
    struct sockaddr_in6 client;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        e.client = cases[i].client;
        assert_int_equal(explain_parse_client(e.client, &client), cases[i].good);
        if (cases[i].good)
            assert_says(explain_head(head, e.client, 0),
                        cases[i].in ? "\n\nHTTP/1.1 404 " : "\n\nHTTP/1.1 403 ");
        else
            assert_int_equal(explain_write(&e, &b), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),   cmocka_unit_test(test_a_cause_is_said_once),
        cmocka_unit_test(test_heads),   cmocka_unit_test(test_nobody_is_sent_away),
        cmocka_unit_test(test_clients),
    };
    return cmocka_run_group_tests_name("explain", tests, explain_setup, explain_teardown);
}
