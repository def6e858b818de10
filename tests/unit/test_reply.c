#include "loopfixture.h"

#include "server/reply.h"

static struct fixture *f;
static struct conn conn;
static struct request request;
static struct reply reply;

static int open_loop(void **state)
{
    (void)state;
    f = fixture_open("limits.requests", "3", NULL);
    conn = (struct conn){.source = {SOURCE_CONN, -1}, .state = CONN_HEAD};
    route_none(&f->loop.route);
    reply = (struct reply){&f->loop, &conn, &request, &f->loop.route};
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    f->loop.gathered = 0;
    fixture_close(f);
    return 0;
}

static void parse(const char *method, const char *version, const char *fields)
{
    static char head[512];
    snprintf(head, sizeof(head), "%s / HTTP/%s\r\n" HOST "%s\r\n", method, version, fields);
    assert_int_equal(request_parse(slice_of(head), &request), 0);
}

// What was gathered since the last call.
static const char *gathered(void)
{
    static char text[LOOP_GATHER + 1];
    memcpy(text, f->loop.gather, f->loop.gathered);
    text[f->loop.gathered] = '\0';
    f->loop.gathered = 0;
    return text;
}

static struct cached_file *get_file(const char *name)
{
    const struct site *site = &f->sites.items[0];
    const struct file_key key = {.site = site,
                                 .tree = &site->trees[0],
                                 .path = slice_of(name),
                                 .links = ROOTFS_LINKS_BENEATH};
    const struct file_moment moment = {f->loop.group, fixture_clock.wall_s};
    struct cached_file *file;
    assert_int_equal(filecache_get(&f->loop.cache, &key, &moment, &file), 0);
    return file;
}

static void test_persistence(void **state)
{
    static const struct {
        const char *version, *fields;
        enum conn_ending before, after;
        enum loop_phase phase;
        uint32_t requests; // before, of at most 3
        enum response_connection says;
    } cases[] = {
        {"1.1", "", CONN_STAYS, CONN_STAYS, LOOP_SERVING, 0, CONNECTION_DEFAULT},
        {"1.1", "", CONN_STAYS, CONN_STAYS, LOOP_SERVING, 1, CONNECTION_DEFAULT},
        {"1.1", "", CONN_STAYS, CONN_LINGERS, LOOP_SERVING, 2, CONNECTION_CLOSE},
        {"1.1", "Connection: close\r\n", CONN_STAYS, CONN_CLOSES, LOOP_SERVING, 0,
         CONNECTION_CLOSE},
        {"1.1", "", CONN_CLOSES, CONN_CLOSES, LOOP_SERVING, 0, CONNECTION_CLOSE},
        {"1.1", "", CONN_LINGERS, CONN_LINGERS, LOOP_SERVING, 0, CONNECTION_CLOSE},
        {"1.1", "", CONN_STAYS, CONN_LINGERS, LOOP_RETIRING, 0, CONNECTION_CLOSE},
        {"1.0", "", CONN_STAYS, CONN_CLOSES, LOOP_SERVING, 0, CONNECTION_CLOSE},
        {"1.0", "Connection: keep-alive\r\n", CONN_STAYS, CONN_STAYS, LOOP_SERVING, 0,
         CONNECTION_KEEP_ALIVE},
        {"1.0", "Connection: keep-alive\r\n", CONN_STAYS, CONN_LINGERS, LOOP_SERVING, 2,
         CONNECTION_CLOSE},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        parse("GET", cases[i].version, cases[i].fields);
        conn.ending = cases[i].before;
        conn.requests = cases[i].requests;
        f->loop.phase = cases[i].phase;
        const struct response response = reply_start(&reply, 200);
        assert_int_equal(conn.ending, cases[i].after);
        assert_int_equal(response.connection, cases[i].says);
        assert_int_equal(conn.requests, cases[i].requests + 1);
        assert_true(slice_starts_with(response.common, SLICE("Server: tined\r\n")));
        f->loop.phase = LOOP_SERVING;
    }
}

static void test_pages(void **state)
{
    static const struct {
        const char *method;
        int status;
        bool has_length, has_page;
    } cases[] = {
        {"GET", 404, true, true},    {"HEAD", 404, true, false},   {"POST", 405, true, true},
        {"GET", 304, false, false},  {"HEAD", 301, true, false},   {"OPTIONS", 204, false, false},
        {"DELETE", 405, true, true}, {"OPTIONS", 404, true, true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        parse(cases[i].method, "1.1", "");
        struct response response = reply_start(&reply, cases[i].status);
        reply_put_page(&reply, &response);
        const char *text = gathered();
        assert_int_equal(count_text(text, "HTTP/1.1 "), 1);
        assert_int_equal(count_text(text, "\r\nContent-Length: "), cases[i].has_length);
        assert_int_equal(content_of(text)[0] != '\0', cases[i].has_page);
        assert_false(conn_has_content(&conn));
    }
}

// Whatever the answer is, there is one head, and the content goes one way.
static void test_files(void **state)
{
    static const struct {
        const char *method;
        int status;
        const char *file;
        struct range range;
        size_t copied, left;
    } cases[] = {
        {"GET", 200, "hello.txt", {0, 13}, 13, 0},
        {"GET", 206, "hello.txt", {7, 5}, 5, 0},
        {"GET", 304, "hello.txt", {0, 0}, 0, 0},
        {"HEAD", 200, "hello.txt", {0, 13}, 0, 0},
        {"HEAD", 304, "hello.txt", {0, 0}, 0, 0},
        {"GET", 200, "empty", {0, 0}, 0, 0},
        {"HEAD", 200, "empty", {0, 0}, 0, 0},
        {"GET", 200, "medium.bin", {0, MEDIUM}, 0, MEDIUM},
        {"GET", 206, "medium.bin", {100, 4096}, 4096, 0},
        {"GET", 206, "medium.bin", {100, 4097}, 0, 4097},
        {"GET", 304, "medium.bin", {0, 0}, 0, 0},
        {"HEAD", 304, "medium.bin", {0, 0}, 0, 0},
        {"GET", 200, "large.bin", {0, LARGE}, 0, LARGE},
        {"GET", 206, "large.bin", {LARGE - 1, 1}, 0, 1},
        {"GET", 304, "large.bin", {0, 0}, 0, 0},
        {"HEAD", 304, "large.bin", {0, 0}, 0, 0},
        {"HEAD", 200, "large.bin", {0, LARGE}, 0, 0},
    };
    (void)state;
    tempdir_puts(&f->dir, "empty", "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cached_file *file = get_file(cases[i].file);
        const uint32_t references = file->references;
        parse(cases[i].method, "1.1", "");
        struct response response = reply_start(&reply, cases[i].status);
        reply_put_file(&reply, &response, file, cases[i].range);
        const char *text = gathered();
        if (count_text(text, "HTTP/1.1 ") != 1 || strlen(content_of(text)) != cases[i].copied)
            fail_msg("case %zu: \"%s\"", i, text);
        assert_int_equal(conn_has_content(&conn), cases[i].left > 0);
        if (cases[i].left == 0) {
            assert_int_equal(file->references, references - 1);
            continue;
        }
        assert_ptr_equal(conn.file, file);
        assert_int_equal(conn.offset, cases[i].range.offset);
        assert_int_equal(conn.end - conn.offset, cases[i].left);
        assert_int_equal(conn.length, cases[i].left);
        assert_int_equal(conn.status, cases[i].status);
        filecache_release(conn.file);
        conn.file = NULL;
    }
}

static int freed;

static void free_pieces(struct pieces *p)
{
    (void)p;
    freed++;
}

static void test_pieces(void **state)
{
    struct pieces pieces = {.free = free_pieces};
    (void)state;
    freed = 0;
    struct cached_file *file = get_file("large.bin");
    parse("HEAD", "1.1", "");
    struct response response = reply_start(&reply, 206);
    reply_put_pieces(&reply, &response, file, &pieces);
    assert_int_equal(freed, 1);
    assert_int_equal(file->references, 0);
    assert_starts(gathered(), "HTTP/1.1 206 ");
    assert_false(conn_has_content(&conn));

    parse("GET", "1.1", "");
    conn.offset = 3; // of an earlier answer
    conn.end = conn.length = 9;
    reply_put_pieces(&reply, &response, NULL, &pieces);
    assert_int_equal(freed, 1);
    assert_ptr_equal(conn.pieces, &pieces);
    assert_null(conn.file);
    assert_int_equal(conn.end - conn.offset, 0);
    assert_int_equal(conn.length, 0);
    assert_starts(gathered(), "HTTP/1.1 206 ");
    conn.pieces = NULL;
}

// Field lines beyond all room: the answer is an error, whatever it was to be, and nothing leaks.
static void test_no_room_for_the_head(void **state)
{
    static char value[LOOP_GATHER];
    const struct rule_header header = {RULE_SET, SLICE("X"), {value, sizeof(value)}, false};
    const struct rule rule = {.headers = &header, .header_count = 1};
    struct pieces pieces = {.free = free_pieces};
    (void)state;
    memset(value, 'x', sizeof(value));
    freed = 0;
    f->loop.route.ruling.matched[0] = &rule;
    f->loop.route.ruling.matched_count = 1;
    parse("GET", "1.1", "");
    struct cached_file *file = get_file("large.bin");
    struct response response = reply_start(&reply, 200);
    for (int i = 0; i < 4; i++) {
        if (i == 0)
            reply_put(&reply, &response, SLICE("content"));
        else if (i == 1)
            reply_put_page(&reply, &response);
        else if (i == 2)
            reply_put_file(&reply, &response, file, (struct range){0, LARGE});
        else
            reply_put_pieces(&reply, &response, get_file("large.bin"), &pieces);
        const char *text = gathered();
        assert_starts(text, "HTTP/1.1 500 ");
        assert_int_equal(count_text(text, "HTTP/1.1 "), 1);
        assert_contains(text, "\r\nContent-Length: 0\r\n\r\n");
        assert_false(conn_has_content(&conn));
    }
    assert_int_equal(file->references, 0);
    assert_int_equal(freed, 1);
}

static void test_lines_of_the_site(void **state)
{
    const struct rule_header header = {RULE_SET, SLICE("X-Rule"), SLICE("1"), false};
    const struct slice origin = SLICE("https://a.test");
    const struct cors cors = {.origins = &origin, .origin_count = 1, .expose = SLICE("ETag")};
    const struct rule rule = {.headers = &header, .header_count = 1};
    struct route *route = &f->loop.route;
    (void)state;
    route->ruling.matched[0] = &rule;
    route->ruling.matched_count = 1;
    route->ruling.cors = &cors;
    route->vary = ROUTE_VARY_ENCODING | ROUTE_VARY_ORIGIN;
    parse("GET", "1.1", "Origin: https://a.test\r\n");
    struct response response = reply_start(&reply, 404);
    reply_put_page(&reply, &response);
    const char *text = gathered();
    assert_contains(text, "\r\nVary: Accept-Encoding, Origin\r\n");
    assert_contains(text, "\r\nX-Rule: 1\r\n");
    assert_contains(text, "\r\nAccess-Control-Allow-Origin: https://a.test\r\n"
                          "Access-Control-Expose-Headers: ETag\r\n");
    parse("GET", "1.1", "Origin: https://b.test\r\n");
    reply_put_page(&reply, &response);
    text = gathered();
    assert_contains(text, "\r\nVary: Accept-Encoding, Origin\r\n");
    assert_int_equal(count_text(text, "Access-Control"), 0);
    route_none(route);
    reply_put_page(&reply, &response);
    assert_int_equal(count_text(gathered(), "Vary"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_persistence, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pages, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_files, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pieces, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_no_room_for_the_head, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_lines_of_the_site, open_loop, close_loop),
    };
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
