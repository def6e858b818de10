#include "support/confload.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "conf/conf_load.h"
#include "content/readme.h"
#include "http/html.h"
#include "sys/pagecache.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

// One site; ROOT is replaced by the directory.
static const char configuration[] =
    "sites = ( { root = \"ROOT\"; listing = true; hide = [ \"README.txt\" ]; rules = (\n"
    "    { match = \"/denied/README\"; deny = [ \"192.0.2.0/24\" ]; },\n"
    "    { match = \"/gone/README\"; status = 410; },\n"
    "    { match = \"/moved/README\"; redirect = \"/\"; },\n"
    "    { match = \"/other/README\"; rewrite = \"/plain/README\"; },\n"
    "    { match = \"/tried/README\"; try = [ \"$path.en\", \"$path\" ]; },\n"
    "    { match = \"/nolinks/README\"; symlinks = \"none\"; },\n"
    "    { match = \"/packed/README\"; content_encoding = \"gzip\"; },\n"
    "    { match = \"/none/**\"; fallback = \"/plain/README\"; },\n"
    "    { match = \"/pub/**\"; rewrite = \"/plain/$1\"; }\n"
    "  ); }, { root = \"ROOT\"; names = [ \"b\" ]; listing = true; } );\n";

static struct tempdir dir;
static struct conf *conf;
static struct sites sites;
static struct mimetable types;
static struct filecache cache;
static struct route route;
static const struct rule *matched[16];
static bool is_cold; // the disk

ssize_t __real_pagecache_read(int file, uint64_t offset, void *data, size_t len);
ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len);

ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len)
{
    return is_cold ? -EAGAIN : __real_pagecache_read(file, offset, data, len);
}

static void make_tree(void)
{
    static const char *const directories[] = {
        "plain", "denied", "gone", "moved", "other", "tried", "out", "nolinks",
        "link",  "packed", "none", "large", "both",  "empty", "dir", "cold"};
    char path[PATH_MAX], name[64];
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        tempdir_mkdir(&dir, directories[i]);
        snprintf(name, sizeof(name), "%s/README", directories[i]);
        if (i < 6 || strcmp(directories[i], "packed") == 0 || strcmp(directories[i], "both") == 0 ||
            strcmp(directories[i], "cold") == 0)
            tempdir_puts(&dir, name, name);
    }
    tempdir_puts(&dir, "tried/README.en", "English");
    tempdir_puts(&dir, "both/README.txt", "other");
    tempdir_puts(&dir, "empty/README", "");
    tempdir_puts(&dir, "empty/README.txt", "text");
    tempdir_mkdir(&dir, "dir/README");
    tempdir_fill(&dir, "large/README", README_MAX + 1);
    assert_int_equal(symlink("/etc/passwd", tempdir_path(&dir, "out/README", path)), 0);
    assert_int_equal(symlink("../plain/README", tempdir_path(&dir, "link/README", path)), 0);
    assert_int_equal(symlink("../plain/README", tempdir_path(&dir, "nolinks/README", path)), 0);
}

static int setup(void **state)
{
    struct sites_failure failed;
    (void)state;
    tempdir_make(&dir);
    make_tree();
    conf = load_rooted(NULL, configuration, dir.path);
    assert_int_equal(sites_open(&sites, conf, &failed), 0);
    assert_int_equal(filecache_init(&cache, &types, 1 << 20, 16), 0);
    return 0;
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

// The README of a directory for a client, and its name.
static struct cached_file *find(const char *path, const char *host, const char *client,
                                struct slice *ret_name)
{
    static uint64_t group;
    char head[256];
    struct request r;
    struct route_query q = {.sites = &sites,
                            .cache = &cache,
                            .moment = {++group, time(NULL) + 1000},
                            .matched = matched};
    assert_null(network_parse(slice_of(client), &q.client));
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: gzip\r\n\r\n",
             path, host);
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    route_start(&q, &r, &route);
    route_resolve(&q, &r, &route);
    assert_int_equal(route.kind, ROUTE_DIRECTORY);
    return readme_find(&q, &r, &route, ret_name);
}

// Takes all of its text; how often it had to be loaded.
static int show(struct cached_file *file, struct buf *all)
{
    static char text[README_PIECE_MAX];
    struct readme m = {.file = file};
    enum body_source_state state;
    int loads = 0;
    do {
        struct range range = {0};
        struct buf b = buf_make(text, sizeof(text));
        state = readme_next(&m, &range, &b);
        assert_false(b.overflow);
        if (state == BODY_SOURCE_LOAD) {
            loads++;
            assert_int_equal(b.len, 0);
            assert_int_equal(range.offset, 0);
            assert_int_equal(range.length, MIN(file->about.size, README_MAX));
        }
        buf_put(all, buf_slice(&b));
    } while (state != BODY_SOURCE_END);
    return loads;
}

// As a request for it would be answered.
TEST(test_find)
{
    static const struct {
        const char *path, *client, *host;
        const char *name, *text; // NULL: there is none
    } cases[] = {
        {"/plain/", "unix", "a", "README", "plain/README"},
        {"/denied/", "192.0.2.1", "a", NULL, NULL},
        {"/denied/", "192.0.3.1", "a", "README", "denied/README"},
        {"/gone/", "unix", "a", NULL, NULL},
        {"/gone/", "unix", "b", "README", "gone/README"},
        {"/moved/", "unix", "a", NULL, NULL},
        {"/other/", "unix", "a", NULL, NULL},
        {"/tried/", "unix", "a", NULL, NULL},
        {"/out/", "unix", "a", NULL, NULL},
        {"/link/", "unix", "a", "README", "plain/README"},
        {"/nolinks/", "unix", "a", NULL, NULL},
        {"/nolinks/", "unix", "b", "README", "plain/README"},
        {"/packed/", "unix", "a", NULL, NULL},
        {"/none/", "unix", "a", NULL, NULL},
        {"/dir/", "unix", "a", NULL, NULL},
        {"/both/", "unix", "b", "README", "both/README"},
        {"/empty/", "unix", "b", "README.txt", "text"},
        {"/empty/", "unix", "a", NULL, NULL}, // hidden
        {"/pub/", "unix", "a", "README", "plain/README"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[100];
        struct buf all = buf_make(text, sizeof(text));
        struct slice name = SLICE("");
        struct cached_file *file = find(cases[i].path, cases[i].host, cases[i].client, &name);
        if (!file != !cases[i].name)
            fail_msg("%s of %s: %s", cases[i].path, cases[i].host, file ? "found" : "not found");
        if (!file)
            continue;
        assert_slice(name, cases[i].name);
        assert_int_equal(show(file, &all), 0);
        assert_slice(buf_slice(&all), cases[i].text);
        cached_file_release(file);
    }
}

TEST(test_cut)
{
    static char text[2 * README_MAX];
    struct buf all = buf_make(text, sizeof(text));
    struct slice name;
    struct cached_file *file = find("/large/", "a", "unix", &name);
    const struct readme m = {.file = file};
    assert_non_null(file);
    assert_true(readme_is_cut(&m));
    assert_int_equal(show(file, &all), 0);
    assert_true(all.len > README_MAX / 2);
    cached_file_release(file);
}

// It is read into memory, as a whole, and only then shown.
TEST(test_cold_disk)
{
    char text[100];
    struct buf all = buf_make(text, sizeof(text));
    struct slice name;
    is_cold = true;
    struct cached_file *file = find("/cold/", "a", "unix", &name);
    assert_non_null(file);
    assert_null(file->body);
    assert_int_equal(show(file, &all), 1);
    assert_slice(buf_slice(&all), "cold/README");
    cached_file_release(file);
    is_cold = false;
}

// A file that has become shorter ends there.
TEST(test_cut_short_meanwhile)
{
    char text[100], path[PATH_MAX];
    struct buf all = buf_make(text, sizeof(text));
    struct slice name;
    struct cached_file *file = find("/large/", "b", "unix", &name);
    assert_non_null(file);
    assert_int_equal(truncate(tempdir_path(&dir, "large/README", path), 5), 0);
    assert_int_equal(show(file, &all), 1);
    assert_true(all.len <= 5 * HTML_GROWTH);
    cached_file_release(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cold_disk),
        cmocka_unit_test(test_cut_short_meanwhile),
    };
    return cmocka_run_group_tests_name("readme", tests, setup, teardown);
}
