#include "routefixture.h"

#include "confload.h"
#include "unit.h"

// One site with every kind of rule; ROOT is replaced by the directory.
static const char configuration[] =
    "sites = ( {\n"
    "  names = [ \"a.test\" ]; root = \"ROOT\"; \n"
    "  redirects = \"ROOT/redirects\";\n"
    "  precompressed = [ \"br\", \"gzip\", \"x-gzip\", \"br\", \"gzip\" ];\n"
    "  mounts = ( { path = \"/mnt/\"; root = \"ROOT/other\"; } );\n"
    "  rules = (\n"
    "    { match = \"/old/**\"; redirect = \"/new/$1\"; status = 308; },\n"
    "    { match = \"/gone/**\"; status = 410; },\n"
    "    { match = \"/in/**\"; allow = [ \"127.0.0.0/8\" ]; },\n"
    "    { match = \"/clean/**\"; try = [ \"$path\", \"$path.html\", \"/dir/$1\" ]; },\n"
    "    { match = \"/pages/**\"; try = [ \"$path\", \"$path/index.html\", "
    "\"/pages/index.html\" ]; },\n"
    "    { match = \"/slash/**\"; try = [ \"$path\", \"$path/\", \"/index.html\" ]; listing = "
    "true; },\n"
    "    { match = \"/moved/*\"; rewrite = \"/clean/$1.html\"; },\n"
    "    { match = \"/v**\"; rewrite = \"/clean/$1\"; },\n"
    "    { match = \"/app/**\"; fallback = \"/app/index.html\"; },\n"
    "    { match = \"/list/**\"; listing = true; },\n"
    "    { match = \"/.shown\"; dotfiles = true; },\n"
    "    { match = \"/nolinks/**\"; symlinks = \"none\"; },\n"
    "    { match = \"/links/**\"; symlinks = \"any\"; },\n"
    "    { match = \"/cors/**\"; cors = { origins = [ \"https://x.test\" ]; }; },\n"
    "    { match = \"/**/index.html\"; headers = { set = [ \"X-Index: 1\" ]; };\n"
    "      error_pages = [ \"410 /e404.html\" ]; },\n"
    "    { match = \"/tried/\"; try = [ \"/list/\", \"/none/such\" ]; listing = true; },\n"
    "    { match = \"/as-list\"; rewrite = \"/list/\"; listing = true; },\n"
    "    { match = \"/app/**/*.json\"; type = \"application/json\"; },\n"
    "    { match = \"/big/*\"; redirect = \"/$1/$1/$1/$1\"; },\n"
    "    { match = \"/**\"; error_pages = [ \"404 /e404.html\", \"403 /none\" ]; },\n"
    "    { match = \"/e404.html\"; headers = { set = [ \"X-Page: 1\" ]; }; }\n"
    "  ); } );\n";

struct tempdir route_dir;
static struct conf *conf;
static struct sites sites;
static struct mimetable types;
static struct filecache cache;

int route_setup(void **state)
{
    static const char *const directories[] = {
        "clean",           "clean/both", "app",        "list",      "other", "nolinks",
        "links",           "plain",      "new",        "list/deep", "pages", "pages/docs",
        "pages/docs/deep", "slash",      "slash/docs", "slash/list"};
    static const char *const files[] = {"index.html",
                                        "clean/page.html",
                                        "clean/both.html",
                                        "clean/both/x",
                                        "app/index.html",
                                        "app/a.js",
                                        "other/file",
                                        "nolinks/file",
                                        "e404.html",
                                        ".shown",
                                        ".hidden",
                                        "plain/a.css",
                                        "plain/a.css.gz",
                                        "plain/a.css.br",
                                        "pages/index.html",
                                        "pages/docs/index.html",
                                        "pages/docs/deep/index.html",
                                        "slash/docs/index.html"};
    struct sites_failure failed;
    char path[PATH_MAX];
    (void)state;
    tempdir_make(&route_dir);
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        tempdir_mkdir(&route_dir, directories[i]);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        tempdir_puts(&route_dir, files[i], files[i]);
    assert_int_equal(symlink("file", tempdir_path(&route_dir, "nolinks/link", path)), 0);
    assert_int_equal(symlink("/proc/self/status", tempdir_path(&route_dir, "links/out", path)), 0);
    tempdir_puts(&route_dir, "redirects",
                 "/map/old /map/new 302\n"
                 "/map/item id=:id /items/:id\n"
                 "/map/blog/* https://x.test/:splat\n"
                 "/old/mapped /mapped\n"
                 "/in/mapped /mapped\n"
                 "/map/file f=:f /plain/:f 200\n"
                 "/clean/mapped /plain/a.css 200\n");
    conf = load_rooted(NULL, configuration, route_dir.path);
    assert_int_equal(sites_open(&sites, conf, &failed), 0);
    return filecache_init(&cache, &types, 1 << 20, 16);
}

int route_teardown(void **state)
{
    (void)state;
    filecache_cleanup(&cache);
    sites_close(&sites);
    conf_free(conf);
    tempdir_remove(&route_dir);
    return 0;
}

struct route_query route_query_from(const char *client)
{
    static uint64_t round;
    static const struct rule *matched[32];
    struct route_query q = {.sites = &sites,
                            .cache = &cache,
                            .moment = {++round, time(NULL) + 1000},
                            .matched = matched};
    assert_null(network_parse(slice_of(client), &q.client));
    return q;
}
