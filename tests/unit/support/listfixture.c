#include "listfixture.h"

#include "confload.h"

#include "base/util.h"
#include "conf/conf_load.h"

#include <stdio.h>
#include <time.h>

// One site; ROOT is replaced by the directory.
static const char configuration[] =
    "sites = ( { root = \"ROOT\"; listing = true; hide = [ \"*~\", \"out?\" ];\n"
    "  rules = (\n"
    "    { match = \"/d/gone\"; status = 410; },\n"
    "    { match = \"/d/inner/**\"; allow = [ \"192.0.2.0/24\" ]; },\n"
    "    { match = \"/d/moved\"; redirect = \"/\"; },\n"
    "    { match = \"/dots/**\"; dotfiles = true; }\n"
    "  ); } );\n";

struct tempdir listfixture_dir;
static struct conf *conf;
static struct sites sites;
static struct mimetable types;
static struct filecache cache;
static struct route route;
static size_t fds;

int listfixture_open(void **state)
{
    static const char *const files[] = {"d/a",       "d/a~",    "d/out1/x",  "d/out",      "d/gone",
                                        "d/inner/x", "d/moved", "d/.hidden", "dots/.shown"};
    struct sites_failure failed;
    (void)state;
    tempdir_make(&listfixture_dir);
    tempdir_mkdir(&listfixture_dir, "d");
    tempdir_mkdir(&listfixture_dir, "d/inner");
    tempdir_mkdir(&listfixture_dir, "d/out1");
    tempdir_mkdir(&listfixture_dir, "dots");
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        tempdir_puts(&listfixture_dir, files[i], files[i]);
    conf = load_rooted(NULL, configuration, listfixture_dir.path);
    assert_int_equal(sites_open(&sites, conf, &failed), 0);
    assert_int_equal(filecache_init(&cache, &types, 1 << 20, 16), 0);
    fds = count_fds();
    return 0;
}

int listfixture_close(void **state)
{
    (void)state;
    assert_int_equal(count_fds(), fds);
    filecache_cleanup(&cache);
    sites_close(&sites);
    conf_free(conf);
    tempdir_remove(&listfixture_dir);
    return 0;
}

struct snapshot_query listfixture_query(const char *path, const char *client)
{
    char head[256];
    struct request r;
    struct snapshot_query query = {.route = &route, .limit = 1000};
    assert_null(network_parse(slice_of(client), &query.client));
    const struct route_query q = {
        .sites = &sites, .cache = &cache, .client = query.client, .moment = {1, time(NULL) + 1000}};
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    route_start(&q, &r, &route);
    route_resolve(&q, &r, &route);
    assert_int_equal(route.kind, ROUTE_DIRECTORY);
    query.view.path = slice_skip(route.path, 1);
    return query;
}
