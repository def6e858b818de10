#include "tempdir.h"
#include "unit.h"

#include "cli/config.h"
#include "conf/conf_load.h"
#include "server/route.h"

#include <stdio.h>

// One site with every kind of rule; ROOT is replaced by the directory.
static const char configuration[] =
    "sites = ( {\n"
    "  names = [ \"a.test\" ]; root = \"ROOT\"; \n"
    "  precompressed = [ \"br\", \"gzip\", \"x-gzip\", \"br\", \"gzip\" ];\n"
    "  mounts = ( { path = \"/mnt/\"; root = \"ROOT/other\"; } );\n"
    "  rules = (\n"
    "    { match = \"/old/**\"; redirect = \"/new/$1\"; status = 308; },\n"
    "    { match = \"/gone/**\"; status = 410; },\n"
    "    { match = \"/in/**\"; allow = [ \"127.0.0.0/8\" ]; },\n"
    "    { match = \"/clean/**\"; try = [ \"$path\", \"$path.html\", \"/dir/$1\" ]; },\n"
    "    { match = \"/moved/*\"; rewrite = \"/clean/$1.html\"; },\n"
    "    { match = \"/v**\"; rewrite = \"/clean/$1\"; },\n"
    "    { match = \"/app/**\"; fallback = \"/app/index.html\"; },\n"
    "    { match = \"/list/**\"; listing = true; },\n"
    "    { match = \"/.shown\"; dotfiles = true; },\n"
    "    { match = \"/nolinks/**\"; symlinks = \"none\"; },\n"
    "    { match = \"/links/**\"; symlinks = \"any\"; },\n"
    "    { match = \"/cors/**\"; cors = { origins = [ \"https://x.test\" ]; }; },\n"
    "    { match = \"/**/index.html\"; headers = { set = [ \"X-Index: 1\" ]; }; },\n"
    "    { match = \"/tried/\"; try = [ \"/list/\", \"/none/such\" ]; listing = true; },\n"
    "    { match = \"/as-list\"; rewrite = \"/list/\"; listing = true; },\n"
    "    { match = \"/app/**/*.json\"; type = \"application/json\"; },\n"
    "    { match = \"/big/*\"; redirect = \"/$1/$1/$1/$1\"; },\n"
    "    { match = \"/**\"; error_pages = [ \"404 /e404.html\", \"403 /none\" ]; },\n"
    "    { match = \"/e404.html\"; headers = { set = [ \"X-Page: 1\" ]; }; }\n"
    "  ); } );\n";

static struct tempdir dir;
static struct conf *conf;
static struct sites sites;
static struct mimetable types;
static struct filecache cache;
static struct route route;

static void fail_on_report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

static void load(void)
{
    char text[sizeof(configuration) + 2 * PATH_MAX];
    struct buf b = buf_make(text, sizeof(text) - 1);
    const char *rest = configuration, *at;
    while ((at = strstr(rest, "ROOT"))) {
        buf_put(&b, slice_make(rest, (size_t)(at - rest)));
        buf_puts(&b, dir.path);
        rest = at + strlen("ROOT");
    }
    buf_puts(&b, rest);
    text[b.len] = '\0';
    const struct conf_source source = {.text = text, .checkers = config_checkers()};
    conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
}

static int setup(void **state)
{
    static const char *const directories[] = {"clean", "clean/both", "app",   "list",
                                              "other", "nolinks",    "links", "plain",
                                              "new",   "list/deep"};
    static const char *const files[] = {
        "index.html", "clean/page.html", "clean/both.html", "clean/both/x",  "app/index.html",
        "app/a.js",   "other/file",      "nolinks/file",    "e404.html",     ".shown",
        ".hidden",    "plain/a.css",     "plain/a.css.gz",  "plain/a.css.br"};
    struct sites_failure failed;
    char path[PATH_MAX];
    (void)state;
    tempdir_make(&dir);
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        tempdir_mkdir(&dir, directories[i]);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        tempdir_puts(&dir, files[i], files[i]);
    assert_int_equal(symlink("file", tempdir_path(&dir, "nolinks/link", path)), 0);
    assert_int_equal(symlink("/proc/self/status", tempdir_path(&dir, "links/out", path)), 0);
    load();
    assert_int_equal(sites_open(&sites, conf, &failed), 0);
    return filecache_init(&cache, &types, 1 << 20, 16);
}

static int teardown(void **state)
{
    (void)state;
    filecache_cleanup(&cache);
    sites_close(&sites);
    conf_free(conf);
    tempdir_remove(&dir);
    return 0;
}

static struct route_query query_from(const char *client)
{
    static uint64_t round;
    struct route_query q = {
        .sites = &sites, .cache = &cache, .moment = {++round, time(NULL) + 1000}};
    assert_null(network_parse(client, &q.client));
    return q;
}

// Routes "GET `target`" with `fields` and gives what came of it as a text: "200 app/index.html",
// "308 /new/x", "list list/", "404".
static const char *go(const char *target, const char *fields)
{
    static char text[512];
    char head[1024];
    struct request r;
    const struct route_query q = query_from("127.0.0.1");
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n%s\r\n", target, fields);
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    route_start(&q, &r, &route);
    if (route.status == 0)
        route_resolve(&q, &r, &route);
    struct buf b = buf_make(text, sizeof(text) - 1);
    buf_printf(&b, "%d", route.status);
    if (route.kind == ROUTE_FILE) {
        buf_printf(&b, " %s", route.file->key.path.ptr);
        filecache_release(route.file);
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
    const struct route_query q = query_from("127.0.0.1");
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", target);
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    route_start(&q, &r, &route);
    return route.status;
}

static void test_routes(void **state)
{
    static const struct {
        const char *target, *fields, *want;
    } cases[] = {
        {"/", "", "200 index.html"},
        {"/none", "", "404"},
        {"/%zz", "", "400"},
        {"/old/a%20b?q", "", "308 /new/a%20b?q"},
        {"/gone/x", "", "410"},
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
    (void)state;
    size_t before = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *got = go(cases[i].target, cases[i].fields);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s (%s): \"%s\", want \"%s\"", cases[i].target, cases[i].fields, got,
                     cases[i].want);
    }
    assert_int_equal(count_fds(), before);
}

static void test_vary(void **state)
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
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        go(cases[i].target, "");
        assert_int_equal(route.vary, cases[i].vary);
    }
}

static void set_age(const char *name, int seconds)
{
    char path[PATH_MAX];
    const struct timespec at = {.tv_sec = time(NULL) - seconds};
    const struct timespec times[] = {at, at};
    assert_int_equal(utimensat(AT_FDCWD, tempdir_path(&dir, name, path), times, 0), 0);
}

// By the client's wish, the server's order, and age.
static void test_variants(void **state)
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
    (void)state;
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
    rules_put_headers(&b, &route.ruling, 200);
    text[b.len] = '\0';
    return strstr(text, line) != NULL;
}

static void test_rules_of_other_paths(void **state)
{
    const struct route_query q = query_from("127.0.0.1");
    (void)state;
    go("/app/some/page", "");
    assert_true(has_header("X-Index: 1"));
    go("/", "");
    assert_true(has_header("X-Index: 1"));
    go("/app/a.js", "");
    assert_false(has_header("X-Index: 1"));
    go("/none", "");
    assert_false(has_header("X-Page: 1"));
    struct cached_file *page = route_error_page(&q, &route, 404);
    assert_non_null(page);
    assert_string_equal(page->key.path.ptr, "e404.html");
    assert_true(has_header("X-Page: 1"));
    filecache_release(page);
    assert_null(route_error_page(&q, &route, 403)); // it is missing itself
    assert_null(route_error_page(&q, &route, 410));
}

// A fallback and an error page are not what the rules say of what was asked for.
static void test_types_of_other_documents(void **state)
{
    const struct route_query q = query_from("127.0.0.1");
    (void)state;
    go("/app/x/none.json", "Sec-Fetch-Mode: cors\r\n");
    assert_slice(route.ruling.type, "application/json");
    filecache_release(route_error_page(&q, &route, 404));
    assert_int_equal(route.ruling.type.len, 0);
    assert_string_equal(go("/app/x/none.json", "Sec-Fetch-Mode: navigate\r\n"),
                        "200 app/index.html");
    assert_int_equal(route.ruling.type.len, 0);
}

// What there is no room for is not sent in part.
static void test_target_too_long(void **state)
{
    char target[4096] = "/big/";
    size_t at = strlen(target);
    (void)state;
    while (at + 3 < sizeof(target))
        at += (size_t)snprintf(target + at, sizeof(target) - at, "%%20");
    assert_int_equal(go_status(target), 414);
    assert_int_equal(route.location.len, 0);
}

static void test_clients_and_methods(void **state)
{
    static const struct {
        const char *client;
        int status;
    } cases[] = {{"127.0.0.1", 0}, {"192.0.2.1", 403}, {"unix", 403}};
    struct request r;
    (void)state;
    assert_int_equal(request_parse(SLICE("GET /in/x HTTP/1.1\r\nHost: a.test\r\n\r\n"), &r), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct route_query q = query_from(cases[i].client);
        route_start(&q, &r, &route);
        assert_int_equal(route.status, cases[i].status);
    }
    const struct route_query q = query_from("unix");
    assert_int_equal(request_parse(SLICE("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n"), &r), 0);
    route_start(&q, &r, &route);
    assert_int_equal(route.status, 0);
    assert_int_equal(route.path.len, 0);
}

// "PURPOSE:PATH=KIND " of each look.
static void note(void *context, const struct route_look *look)
{
    struct buf *b = context;
    buf_printf(b, "%d:%.*s=%d%s ", (int)look->purpose, SLICE_ARG(look->path),
               (int)look->found->kind, look->hidden ? "h" : "");
}

static void test_trace(void **state)
{
    static const struct {
        const char *path, *looks;
    } cases[] = {
        {"/", "0:/=0 "},
        {"/none", "0:/none=3 "},
        {"/.hidden", "0:/.hidden=3h "},
        {"/clean/none", "2:/clean/none=3 2:/clean/none.html=3 2:/dir/none=3 "},
        {"/moved/none", "1:/clean/none.html=3 "},
        {"/app/some/page", "0:/app/some/page=3 3:/app/index.html=0 "},
    };
    char text[512], head[256];
    struct request r;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct route_query q = query_from("127.0.0.1");
        struct buf b = buf_make(text, sizeof(text));
        q.trace = note;
        q.trace_context = &b;
        snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a.test\r\n\r\n", cases[i].path);
        assert_int_equal(request_parse(slice_of(head), &r), 0);
        route_start(&q, &r, &route);
        assert_int_equal(route.status, 0);
        route_resolve(&q, &r, &route);
        assert_slice(buf_slice(&b), cases[i].looks);
        if (route.file)
            filecache_release(route.file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_vary),
        cmocka_unit_test(test_variants),
        cmocka_unit_test(test_rules_of_other_paths),
        cmocka_unit_test(test_types_of_other_documents),
        cmocka_unit_test(test_target_too_long),
        cmocka_unit_test(test_clients_and_methods),
    };
    return cmocka_run_group_tests_name("route", tests, setup, teardown);
}
