#include "support/routefixture.h"
#include "support/unit.h"

#include "content/route_lookup.h"

#include <stdio.h>

static struct route route;

TEST(test_decode)
{
    static char text[ROUTE_PATH_MAX], raw[ROUTE_PATH_MAX];
    struct slice path = SLICE("left alone");
    bool hidden = false;
    memset(raw, 'a', sizeof(raw));
    assert_int_equal(route_lookup_decode(SLICE("/%zz"), text, &path, &hidden), REASON_PATH_ESCAPE);
    assert_int_equal(route_lookup_decode(slice_make(raw, sizeof(raw)), text, &path, &hidden),
                     REASON_PATH_LONG);
    assert_slice(path, "left alone");
    assert_int_equal(route_lookup_decode(SLICE("/a%20b/.c"), text, &path, &hidden), REASON_NONE);
    assert_slice(path, "/a b/.c");
    assert_true(hidden);
    assert_false(route_lookup_has_slash(path));
    assert_true(route_lookup_has_slash(SLICE("/a/")));
}

// "PURPOSE:PATH=KIND " of each look.
static void note(void *context, const struct route_look *look)
{
    struct buf *b = context;
    buf_printf(b, "%d:%.*s=%d%s ", (int)look->purpose, SLICE_ARG(look->path),
               (int)look->found->kind, look->hidden ? "h" : "");
}

TEST(test_trace)
{
    static const struct {
        const char *path, *looks;
    } cases[] = {
        {"/", "0:/=0 "},
        {"/none", "0:/none=3 "},
        {"/.hidden", "0:/.hidden=3h "},
        {"/clean/none", "2:/clean/none=3 2:/clean/none.html=3 2:/dir/none=3 "},
        {"/clean/page/", "2:/clean/page/=3 2:/clean/page/.html=3h 2:/dir/page/=3 2:/clean/page=3 "
                         "2:/clean/page.html=0 "},
        {"/moved/none", "1:/clean/none.html=3 "},
        {"/app/some/page", "0:/app/some/page=3 3:/app/index.html=0 "},
    };
    char text[512], head[256];
    struct request r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct route_query q = route_query_from("127.0.0.1");
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
            cached_file_release(route.file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_trace),
    };
    return cmocka_run_group_tests_name("route_lookup", tests, route_setup, route_teardown);
}
