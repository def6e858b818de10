#include "support/routefixture.h"
#include "support/unit.h"

#include <stdio.h>

static struct route route;

// Routes "GET `target`" with `fields` and gives what came of it as a text: "200 app/index.html",
// "308 /new/x", "list list/", "404".
static const char *go(const char *target, const char *fields)
{
    static char text[512];
    char head[1024];
    struct request r;
    const struct route_query q = route_query_from("127.0.0.1");
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n%s\r\n", target, fields);
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    route_start(&q, &r, &route);
    if (route.status == 0)
        route_resolve(&q, &r, &route);
    assert_int_equal(route.status >= 400, route.reason != REASON_NONE);
    struct buf b = buf_make(text, sizeof(text) - 1);
    buf_printf(&b, "%d", route.status);
    if (route.kind == ROUTE_FILE) {
        buf_printf(&b, " %s", route.file->key.path.ptr);
        cached_file_release(route.file);
    } else if (route.kind == ROUTE_DIRECTORY) {
        buf_printf(&b, " list %.*s", SLICE_ARG(route.directory));
    } else if (route.location.len) {
        buf_printf(&b, " %.*s", SLICE_ARG(route.location));
    }
    text[b.len] = '\0';
    return text;
}

static int go_status(const char *target)
{
    char head[8192];
    struct request r;
    const struct route_query q = route_query_from("127.0.0.1");
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", target);
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    route_start(&q, &r, &route);
    return route.status;
}

static const struct {
    const char *target, *fields, *want;
} routes[] = {
    {"/", "", "200 index.html"},
    {"/none", "", "404"},
    {"/%zz", "", "400"},
    {"/old/a%20b?q", "", "308 /new/a%20b?q"},
    {"/gone/x", "", "410"},
    // a file of redirects
    {"/map/old?q", "", "302 /map/new?q"},
    {"/map/item?id=7", "", "301 /items/7?id=7"},
    {"/map/item", "", "404"},
    {"/map/blog/a/b", "", "301 https://x.test/a/b"},
    {"/old/mapped", "", "301 /mapped"}, // before a rule
    {"/plain/a.css.br", "", "200 plain/a.css.br"},
    {"/clean/mapped", "", "200 plain/a.css"}, // a file of the site, before what a rule tries
    {"/map/up/..", "", "404"},
    {"/map/up/%2e%2e/index.html", "", "404"},
    {"/map/file?f=a.css", "", "200 plain/a.css"},
    {"/map/file?f=../index.html", "", "404"},
    {"/map/file?f=%2e%2e%2findex.html", "", "404"},
    {"/new?q", "", "301 new/?q"},
    {"/new/", "", "403"}, // it is there, but may not be listed
    // mounts
    {"/mnt/file", "", "200 file"},
    {"/mnt", "", "301 mnt/"},
    {"/mnt/none", "", "404"},
    {"/other/file", "", "200 other/file"},
    // candidates
    {"/clean/page", "", "200 clean/page.html"},
    {"/clean/page.html", "", "200 clean/page.html"},
    {"/clean/both", "", "200 clean/both.html"}, // a file before a directory
    {"/clean/none", "", "404"},
    {"/clean/page/?q", "", "301 ../page?q"}, // a slash too many
    {"/clean/none/", "", "404"},
    {"/clean/both/", "", "403"},      // the directory is there
    {"/pages/docs", "", "301 docs/"}, // not the index of what is named without its slash
    {"/pages/docs/", "", "200 pages/docs/index.html"},
    {"/pages/docs/deep?q", "", "301 deep/?q"},
    {"/pages/app", "", "200 pages/index.html"}, // which is no index of "/pages/app/"
    {"/pages/app/", "", "200 pages/index.html"},
    {"/slash/list", "", "301 list/"}, // "$path/" is the directory
    {"/slash/list/", "", "200 list slash/list/"},
    {"/slash/docs", "", "301 docs/"},
    {"/slash/docs/", "", "200 slash/docs/index.html"},
    {"/slash/other", "", "200 index.html"},
    {"/moved/page", "", "200 clean/page.html"},
    {"/moved/..page", "", "404"},
    {"/v/page.html", "", "200 clean/page.html"},
    {"/v../page.html", "", "404"}, // not "/page.html"
    {"/v../other/file", "", "404"},
    {"/v./page.html", "", "404"},
    {"/v%2e%2e/other/file", "", "404"},
    // fallback
    {"/app/a.js", "", "200 app/a.js"},
    {"/app/deep/link", "Accept: text/html,*/*;q=0.8\r\n", "200 app/index.html"},
    {"/app/deep/link", "", "200 app/index.html"},
    {"/app/deep/link", "Accept: image/png\r\n", "404"},
    {"/app/b.js", "Accept: */*\r\n", "404"},
    {"/app/b.js", "Accept: text/html\r\n", "200 app/index.html"}, // a person types it
    {"/app/x", "Sec-Fetch-Mode: navigate\r\nAccept: */*\r\n", "200 app/index.html"},
    {"/app/x", "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n", "404"},
    // listings, hidden names, links
    {"/list/", "", "200 list list/"},
    {"/list/deep/", "", "200 list list/deep/"},
    {"/list/deep", "", "301 deep/"},
    {"/list/none/", "", "404"},
    {"/tried/", "", "200 list list/"},    // the candidate behind it is none
    {"/as-list?q", "", "301 as-list/?q"}, // links of a listing are relative
    {"/.hidden", "", "404"},
    {"/.shown", "", "200 .shown"},
    {"/nolinks/file", "", "200 nolinks/file"},
    {"/nolinks/link", "", "403"},
    {"/links/out", "", "200 links/out"},
};

TEST(test_routes)
{
    size_t before = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
        const char *got = go(routes[i].target, routes[i].fields);
        if (strcmp(got, routes[i].want) != 0)
            fail_msg("%s (%s): \"%s\", want \"%s\"", routes[i].target, routes[i].fields, got,
                     routes[i].want);
    }
    assert_int_equal(count_fds(), before);
}

TEST(test_vary)
{
    static const struct {
        const char *target;
        unsigned vary;
    } cases[] = {
        {"/", 0},
        {"/plain/a.css", ROUTE_VARY_ENCODING},
        {"/plain/a.css.br", 0},
        {"/app/a.js", 0},
        {"/app/none", ROUTE_VARY_ACCEPT | ROUTE_VARY_FETCH},
        {"/cors/x", ROUTE_VARY_ORIGIN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        go(cases[i].target, "");
        assert_int_equal(route.vary, cases[i].vary);
    }
}

static void set_age(const char *name, int seconds)
{
    tempdir_date(&route_dir, name, time(NULL) - seconds);
}

// By the client's wish, the server's order, and age.
TEST(test_variants)
{
    static const struct {
        int br_age, gzip_age; // of the original 100
        const char *accept;
        enum coding want;
        bool varies;
    } cases[] = {
        {100, 100, "br, gzip", CODING_BR, true},
        {100, 100, "gzip, br", CODING_BR, true},
        {100, 100, "gzip, br;q=0.5", CODING_GZIP, true},
        {100, 100, "zstd", CODING_IDENTITY, true},
        {101, 100, "br, gzip", CODING_GZIP, true},
        {101, 101, "br, gzip", CODING_IDENTITY, false},
        {101, 99, "br", CODING_IDENTITY, true},
    };
    char fields[128];
    set_age("plain/a.css", 100);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        set_age("plain/a.css.br", cases[i].br_age);
        set_age("plain/a.css.gz", cases[i].gzip_age);
        snprintf(fields, sizeof(fields), "Accept-Encoding: %s\r\n", cases[i].accept);
        go("/plain/a.css", fields);
        assert_int_equal(route.vary, cases[i].varies ? ROUTE_VARY_ENCODING : 0);
        if (route.file->key.coding != cases[i].want)
            fail_msg("case %zu: %d", i, (int)route.file->key.coding);
    }
}

static bool has_header(const char *line)
{
    char text[512];
    struct buf b = buf_make(text, sizeof(text) - 1);
    rules_put_headers(&b, &route.ruling, 200, slice_make(NULL, 0));
    text[b.len] = '\0';
    return strstr(text, line) != NULL;
}

TEST(test_rules_of_other_paths)
{
    const struct route_query q = route_query_from("127.0.0.1");
    go("/app/some/page", "");
    assert_true(has_header("X-Index: 1"));
    go("/", "");
    assert_true(has_header("X-Index: 1"));
    assert_null(route_error_page(&q, &route, 410)); // that is for those who ask for the index
    go("/app/a.js", "");
    assert_false(has_header("X-Index: 1"));
    go("/none", "");
    assert_false(has_header("X-Page: 1"));
    struct cached_file *page = route_error_page(&q, &route, 404);
    assert_non_null(page);
    assert_string_equal(page->key.path.ptr, "e404.html");
    assert_true(has_header("X-Page: 1"));
    cached_file_release(page);
    assert_null(route_error_page(&q, &route, 403)); // it is missing itself
    assert_null(route_error_page(&q, &route, 410));
}

// A fallback and an error page are not what the rules say of what was asked for.
TEST(test_types_of_other_documents)
{
    const struct route_query q = route_query_from("127.0.0.1");
    go("/app/x/none.json", "Sec-Fetch-Mode: cors\r\n");
    assert_slice(rules_type(&route.ruling), "application/json");
    cached_file_release(route_error_page(&q, &route, 404));
    assert_null(route.ruling.type);
    assert_string_equal(go("/app/x/none.json", "Sec-Fetch-Mode: navigate\r\n"),
                        "200 app/index.html");
    assert_null(route.ruling.type);
}

// A target that there is no room for is not sent in part.
TEST(test_target_too_long)
{
    char target[4096] = "/big/";
    size_t at = strlen(target);
    while (at + 3 < sizeof(target))
        at += (size_t)snprintf(target + at, sizeof(target) - at, "%%20");
    assert_int_equal(go_status(target), 414);
    assert_int_equal(route.location.len, 0);
}

TEST(test_clients_and_methods)
{
    static const struct {
        const char *client;
        int status;
    } cases[] = {{"127.0.0.1", 0}, {"192.0.2.1", 403}, {"unix", 403}};
    struct request r;
    assert_int_equal(request_parse(SLICE("GET /in/x HTTP/1.1\r\nHost: a.test\r\n\r\n"), &r), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct route_query q = route_query_from(cases[i].client);
        route_start(&q, &r, &route);
        assert_int_equal(route.status, cases[i].status);
    }
    assert_int_equal(request_parse(SLICE("GET /in/mapped HTTP/1.1\r\nHost: a.test\r\n\r\n"), &r),
                     0);
    const struct route_query stranger = route_query_from("192.0.2.1");
    route_start(&stranger, &r, &route);
    assert_int_equal(route.status, 403); // before all redirects
    const struct route_query q = route_query_from("unix");
    assert_int_equal(request_parse(SLICE("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n"), &r), 0);
    route_start(&q, &r, &route);
    assert_int_equal(route.status, 0);
    assert_int_equal(route.path.len, 0);
}

// Each refusal says which decision it was.
TEST(test_reasons)
{
    static const struct {
        const char *target;
        enum reason want;
    } cases[] = {
        {"/", REASON_NONE},
        {"/old/x", REASON_NONE}, // a redirect
        {"/%zz", REASON_PATH_ESCAPE},
        {"/%00", REASON_PATH_NUL},
        {"/../x", REASON_PATH_ABOVE_ROOT},
        {"/a%2fb", REASON_PATH_ESCAPED_SLASH},
        {"/gone/x", REASON_RULE_STATUS},
        {"/v../page.html", REASON_RULE_PATH},
        {"/tried/", REASON_NONE},
        {"/.hidden", REASON_HIDDEN},
        {"/none", REASON_FILE_NONE},
        {"/nolinks/link", REASON_FILE_LINK},
        {"/plain/", REASON_DIRECTORY_UNLISTED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        go(cases[i].target, "");
        if (route.reason != cases[i].want)
            fail_msg("%s: \"%s\"", cases[i].target, reason_text(route.reason));
    }
}

TEST(test_fallback_is_not_for_all)
{
    go("/app/none.js", "Accept: */*\r\n");
    assert_true(route.no_fallback);
    go("/app/none", "Accept: text/html\r\n");
    assert_false(route.no_fallback);
    go("/app/a.js", "Accept: */*\r\n"); // it is there
    assert_false(route.no_fallback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_vary),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_rules_of_other_paths),
        cmocka_unit_test(test_types_of_other_documents),
        cmocka_unit_test(test_target_too_long),
        cmocka_unit_test(test_clients_and_methods),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_fallback_is_not_for_all),
    };
    return cmocka_run_group_tests_name("route", tests, route_setup, route_teardown);
}
