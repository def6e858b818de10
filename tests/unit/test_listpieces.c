#include "scarce.h"
#include "tempdir.h"
#include "unit.h"

#include "cli/config.h"
#include "conf/conf_load.h"
#include "server/conn.h"
#include "server/listpieces.h"

#include <errno.h>
#include <stdio.h>

// One site; ROOT is replaced by the directory.
static const char configuration[] =
    "sites = ( { root = \"ROOT\"; listing = true;\n"
    "  rules = (\n"
    "    { match = \"/d/gone\"; status = 410; },\n"
    "    { match = \"/d/inner/**\"; allow = [ \"192.0.2.0/24\" ]; },\n"
    "    { match = \"/d/moved\"; redirect = \"/\"; },\n"
    "    { match = \"/dots/**\"; dotfiles = true; }\n"
    "  ); } );\n";

static struct tempdir dir;
static struct conf *conf;
static struct sites sites;
static struct mimetable types;
static struct filecache cache;
static struct route route;
static size_t fds;
static uint32_t under_way;

static void fail_on_report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

static int setup(void **state)
{
    static const char *const files[] = {"d/a",     "d/gone",    "d/inner/x",
                                        "d/moved", "d/.hidden", "dots/.shown"};
    char text[sizeof(configuration) + PATH_MAX];
    struct sites_failure failed;
    (void)state;
    tempdir_make(&dir);
    tempdir_mkdir(&dir, "d");
    tempdir_mkdir(&dir, "d/inner");
    tempdir_mkdir(&dir, "dots");
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        tempdir_puts(&dir, files[i], files[i]);
    const char *at = strstr(configuration, "ROOT");
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - configuration), configuration, dir.path,
             at + strlen("ROOT"));
    const struct conf_source source = {.text = text, .checkers = config_checkers()};
    conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    assert_int_equal(sites_open(&sites, conf, &failed), 0);
    assert_int_equal(filecache_init(&cache, &types, 1 << 20, 16), 0);
    fds = count_fds();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(count_fds(), fds);
    assert_int_equal(under_way, 0);
    filecache_cleanup(&cache);
    sites_close(&sites);
    conf_free(conf);
    tempdir_remove(&dir);
    return 0;
}

static struct listpieces_options options_for(const char *path, const char *client)
{
    char head[256];
    struct request r;
    struct listpieces_options o = {.route = &route,
                                   .view = {.format = LISTING_JSON},
                                   .limit = 1000,
                                   .under_way = &under_way,
                                   .most = 2,
                                   .chunked = true};
    assert_null(network_parse(client, &o.client));
    const struct route_query q = {
        .sites = &sites, .cache = &cache, .client = o.client, .moment = {1, time(NULL) + 1000}};
    snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    assert_int_equal(request_parse(slice_of(head), &r), 0);
    route_start(&q, &r, &route);
    route_resolve(&q, &r, &route);
    assert_int_equal(route.kind, ROUTE_DIRECTORY);
    o.view.path = slice_skip(route.path, 1);
    return o;
}

// Takes all pieces; the last state.
static enum pieces_state take_all(struct pieces *p, struct buf *all)
{
    static char text[PIECES_TEXT_MAX];
    struct conn c = {.offset = 0};
    enum pieces_state state;
    do {
        struct buf b = buf_make(text, sizeof(text));
        state = p->next(p, &c, &b);
        assert_false(b.overflow);
        assert_int_equal(c.end, 0); // no range of a file
        buf_put(all, buf_slice(&b));
    } while (state == PIECES_YIELD || state == PIECES_MORE);
    return state;
}

// Takes chunks apart, strictly; returns their content in place.
static const char *unchunk(char *text)
{
    char *to = text, *at = text, *end;
    for (;;) {
        size_t size = strtoul(at, &end, 16);
        assert_true(end > at);
        assert_memory_equal(end, "\r\n", 2);
        at = end + 2;
        if (size == 0)
            break;
        memmove(to, at, size);
        to += size;
        at += size;
        assert_memory_equal(at, "\r\n", 2);
        at += 2;
    }
    assert_string_equal(at, "\r\n"); // no trailers, and nothing behind
    *to = '\0';
    return text;
}

static const char *list(const struct listpieces_options *o)
{
    static char text[1 << 16];
    struct pieces *p;
    struct buf all = buf_make(text, sizeof(text) - 1);
    assert_int_equal(listpieces_new(o, &p), 0);
    assert_int_equal(take_all(p, &all), PIECES_END);
    p->free(p);
    assert_false(all.overflow);
    text[all.len] = '\0';
    return o->chunked ? unchunk(text) : text;
}

// An entry that the client would be refused is not shown to it.
static void test_entries(void **state)
{
    static const struct {
        const char *path, *client;
        bool inner, hidden;
    } cases[] = {
        {"/d/", "192.0.2.1", true, false},
        {"/d/", "198.51.100.1", false, false},
        {"/d/", "unix", false, false},
        {"/dots/", "unix", false, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listpieces_options o = options_for(cases[i].path, cases[i].client);
        const char *text = list(&o);
        bool in_d = strcmp(cases[i].path, "/d/") == 0;
        assert_int_equal(count_text(text, "\"gone\""), 0);
        assert_int_equal(count_text(text, "\"a\""), in_d);
        assert_int_equal(count_text(text, "\"moved\""), in_d);
        assert_int_equal(count_text(text, "\"inner\""), cases[i].inner);
        assert_int_equal(count_text(text, "\".hidden\""), 0);
        assert_int_equal(count_text(text, "\".shown\""), cases[i].hidden);
        o.chunked = false;
        assert_starts(list(&o), "{\"complete\":true,");
    }
}

static void test_formats(void **state)
{
    (void)state;
    struct listpieces_options o = options_for("/d/", "unix");
    o.view.format = LISTING_HTML;
    assert_starts(list(&o), "<!DOCTYPE html>");
    assert_contains(list(&o), "Index of /d/");
    o.limit = 1;
    o.view.format = LISTING_JSON;
    assert_starts(list(&o), "{\"complete\":false,");
}

// Each of the listings that were asked for at once has a turn of its own.
static void test_the_first_turn_is_another_one(void **state)
{
    char text[PIECES_TEXT_MAX];
    struct buf b = buf_make(text, sizeof(text));
    struct conn c = {.offset = 0};
    struct pieces *p;
    (void)state;
    const struct listpieces_options o = options_for("/d/", "unix");
    assert_int_equal(listpieces_new(&o, &p), 0);
    assert_int_equal(p->next(p, &c, &b), PIECES_YIELD);
    assert_int_equal(b.len, 0);
    p->free(p); // at any time
}

static void test_what_cannot_be_opened(void **state)
{
    char path[PATH_MAX];
    struct pieces *p;
    (void)state;
    struct listpieces_options o = options_for("/d/inner/", "192.0.2.1");
    assert_int_equal(rename(tempdir_path(&dir, "d/inner", path), "inner-moved"), 0);
    assert_int_equal(listpieces_new(&o, &p), -ENOENT);
    assert_int_equal(rename("inner-moved", tempdir_path(&dir, "d/inner", path)), 0);
    char *longer = malloc(PATH_MAX);
    assert_non_null(longer);
    memset(longer, 'x', PATH_MAX);
    route.path = slice_make(longer, PATH_MAX);
    assert_int_equal(listpieces_new(&o, &p), -ENAMETOOLONG);
    free(longer);
}

static void test_too_many(void **state)
{
    struct pieces *p[3];
    (void)state;
    const struct listpieces_options o = options_for("/d/", "unix");
    assert_int_equal(listpieces_new(&o, &p[0]), 0);
    assert_int_equal(listpieces_new(&o, &p[1]), 0);
    assert_int_equal(listpieces_new(&o, &p[2]), -EAGAIN);
    p[0]->free(p[0]);
    assert_int_equal(listpieces_new(&o, &p[2]), 0);
    p[1]->free(p[1]);
    p[2]->free(p[2]);
}

// Every allocation fails in turn: an error before anything, or one that says nothing at all.
static void test_no_memory(void **state)
{
    static char text[1 << 16];
    (void)state;
    const struct listpieces_options o = options_for("/d/", "unix");
    bool done = false;
    for (unsigned i = 1; i < 100 && !done; i++) {
        struct pieces *p;
        struct buf all = buf_make(text, sizeof(text));
        fail_allocation(i);
        int r = listpieces_new(&o, &p);
        enum pieces_state end = r == 0 ? take_all(p, &all) : PIECES_FAILED;
        done = !has_failed(); // fewer were wanted
        fail_allocation(0);
        if (r == 0)
            p->free(p);
        else
            assert_int_equal(r, -ENOMEM);
        assert_int_equal(end, done ? PIECES_END : PIECES_FAILED);
        assert_true(done || all.len == 0);
    }
    assert_true(done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_the_first_turn_is_another_one),
        cmocka_unit_test(test_what_cannot_be_opened),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("listpieces", tests, setup, teardown);
}
