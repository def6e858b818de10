#include "support/loopfixture.h"

#include "server/respond.h"

static struct fixture *f;
static struct conn conn;
static struct request request;
static struct exchange exchange;

static int open_loop(void **state)
{
    (void)state;
    f = fixture_open("limits.requests", "3", NULL);
    conn = (struct conn){.source = {SOURCE_CONN, -1}, .state = CONN_HEAD};
    route_none(&f->loop.ctx.route, REASON_NONE);
    exchange = (struct exchange){
        .ctx = &f->loop.ctx, .c = &conn, .r = &request, .route = &f->loop.ctx.route};
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    f->loop.ctx.output.gathered = 0;
    fixture_close(f);
    return 0;
}

static void parse(const char *method, const char *version, const char *fields)
{
    static char head[512];
    snprintf(head, sizeof(head), "%s / HTTP/%s\r\n" HOST "%s\r\n", method, version, fields);
    assert_int_equal(request_parse(slice_of(head), &request), 0);
}

// The output gathered since the last call.
static const char *gathered(void)
{
    static char text[OUTPUT_GATHER + 1];
    memcpy(text, f->loop.ctx.output.gather, f->loop.ctx.output.gathered);
    text[f->loop.ctx.output.gathered] = '\0';
    f->loop.ctx.output.gathered = 0;
    return text;
}

static struct cached_file *get_file(const char *name)
{
    const struct site *site = &f->served.sites.items[0];
    const struct file_key key = {
        .site = site, .tree = &site->trees[0], .path = slice_of(name), .links = SYMLINKS_BENEATH};
    const struct file_moment moment = {f->loop.ctx.turns.group, fixture_clock.wall_s};
    struct cached_file *file;
    assert_int_equal(filecache_get(&f->loop.ctx.cache, &key, &moment, &file), 0);
    return file;
}

TEST(test_persistence)
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
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        parse("GET", cases[i].version, cases[i].fields);
        conn.ending = cases[i].before;
        conn.requests = cases[i].requests;
        f->loop.ctx.phase = cases[i].phase;
        const struct response response = respond_start(&exchange, 200);
        assert_int_equal(conn.ending, cases[i].after);
        assert_int_equal(response.connection, cases[i].says);
        assert_int_equal(conn.requests, cases[i].requests + 1);
        assert_true(slice_starts_with(response.common, SLICE("Server: tined\r\n")));
        f->loop.ctx.phase = LOOP_SERVING;
    }
}

TEST(test_age)
{
    static const struct {
        uint64_t limit;
        int64_t age;
        enum conn_ending after;
    } cases[] = {
        {0, 1000000, CONN_STAYS},
        {5000, 4999, CONN_STAYS},
        {5000, 5000, CONN_LINGERS},
        {5000, -1, CONN_STAYS}, // of a loop whose clock was ahead
    };
    parse("GET", "1.1", "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        f->conf->limits.connection_age = cases[i].limit;
        conn.requests = 0;
        conn.ending = CONN_STAYS;
        conn.opened = f->loop.ctx.clock.now - cases[i].age;
        respond_start(&exchange, 200);
        assert_int_equal(conn.ending, cases[i].after);
    }
}

TEST(test_pages)
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
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        parse(cases[i].method, "1.1", "");
        struct response response = respond_start(&exchange, cases[i].status);
        respond_with_page(&exchange, &response);
        const char *text = gathered();
        assert_int_equal(count_text(text, "HTTP/1.1 "), 1);
        assert_int_equal(count_text(text, "\r\nContent-Length: "), cases[i].has_length);
        assert_int_equal(content_of(text)[0] != '\0', cases[i].has_page);
        assert_false(transfer_is_active(&conn.transfer));
    }
}

// Whatever the answer is, there is one head, and the content goes one way.
TEST(test_files)
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
    tempdir_puts(&f->dir, "empty", "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cached_file *file = get_file(cases[i].file);
        const uint32_t references = file->references;
        parse(cases[i].method, "1.1", "");
        struct response response = respond_start(&exchange, cases[i].status);
        respond_with_file(&exchange, &response, file, cases[i].range);
        const char *text = gathered();
        if (count_text(text, "HTTP/1.1 ") != 1 || strlen(content_of(text)) != cases[i].copied)
            fail_msg("case %zu: \"%s\"", i, text);
        assert_int_equal(transfer_is_active(&conn.transfer), cases[i].left > 0);
        if (cases[i].left == 0) {
            assert_int_equal(file->references, references - 1);
            continue;
        }
        assert_ptr_equal(conn.transfer.file, file);
        assert_int_equal(conn.transfer.offset, cases[i].range.offset);
        assert_int_equal(conn.transfer.end - conn.transfer.offset, cases[i].left);
        assert_int_equal(conn.transfer.length, cases[i].left);
        assert_int_equal(conn.status, cases[i].status);
        cached_file_release(conn.transfer.file);
        conn.transfer.file = NULL;
    }
}

static int freed;

static void free_pieces(struct body_source *p)
{
    (void)p;
    freed++;
}

TEST(test_pieces)
{
    struct body_source pieces = {.free = free_pieces};
    freed = 0;
    struct cached_file *file = get_file("large.bin");
    parse("HEAD", "1.1", "");
    struct response response = respond_start(&exchange, 206);
    respond_with_source(&exchange, &response, file, &pieces);
    assert_int_equal(freed, 1);
    assert_int_equal(file->references, 0);
    assert_starts(gathered(), "HTTP/1.1 206 ");
    assert_false(transfer_is_active(&conn.transfer));

    parse("GET", "1.1", "");
    conn.transfer.offset = 3; // of an earlier answer
    conn.transfer.end = conn.transfer.length = 9;
    respond_with_source(&exchange, &response, NULL, &pieces);
    assert_int_equal(freed, 1);
    assert_ptr_equal(conn.transfer.source, &pieces);
    assert_null(conn.transfer.file);
    assert_int_equal(conn.transfer.end - conn.transfer.offset, 0);
    assert_int_equal(conn.transfer.length, 0);
    assert_starts(gathered(), "HTTP/1.1 206 ");
    conn.transfer.source = NULL;
}

// Field lines beyond all room: the answer is an error, whatever it was to be, and nothing leaks.
TEST(test_no_room_for_the_head)
{
    static char value[OUTPUT_GATHER];
    const struct rule_header header = {RULE_SET, SLICE("X"), {value, sizeof(value)}, false, false};
    const struct rule rule = {.headers = &header, .header_count = 1};
    struct body_source pieces = {.free = free_pieces};
    memset(value, 'x', sizeof(value));
    freed = 0;
    const struct rule *matched[] = {&rule};
    f->loop.ctx.route.ruling.matched = matched;
    f->loop.ctx.route.ruling.matched_count = 1;
    parse("GET", "1.1", "");
    struct cached_file *file = get_file("large.bin");
    struct response response = respond_start(&exchange, 200);
    for (int i = 0; i < 4; i++) {
        if (i == 0)
            respond_with(&exchange, &response, SLICE("content"));
        else if (i == 1)
            respond_with_page(&exchange, &response);
        else if (i == 2)
            respond_with_file(&exchange, &response, file, (struct range){0, LARGE});
        else
            respond_with_source(&exchange, &response, get_file("large.bin"), &pieces);
        const char *text = gathered();
        assert_starts(text, "HTTP/1.1 500 ");
        assert_int_equal(count_text(text, "HTTP/1.1 "), 1);
        assert_contains(text, "\r\nContent-Length: 0\r\n\r\n");
        assert_false(transfer_is_active(&conn.transfer));
    }
    assert_int_equal(file->references, 0);
    assert_int_equal(freed, 1);
}

TEST(test_lines_of_the_site)
{
    const struct rule_header header = {RULE_SET, SLICE("X-Rule"), SLICE("1"), false, false};
    const struct slice origin = SLICE("https://a.test");
    const struct cors cors = {.origins = &origin, .origin_count = 1, .expose = SLICE("ETag")};
    const struct rule rule = {.headers = &header, .header_count = 1, .cors = &cors};
    struct route *route = &f->loop.ctx.route;
    const struct rule *matched[] = {&rule};
    route->ruling.matched = matched;
    route->ruling.matched_count = 1;
    route->ruling.cors = &rule;
    route->vary = ROUTE_VARY_ENCODING | ROUTE_VARY_ORIGIN;
    parse("GET", "1.1", "Origin: https://a.test\r\n");
    struct response response = respond_start(&exchange, 404);
    respond_with_page(&exchange, &response);
    const char *text = gathered();
    assert_contains(text, "\r\nVary: Accept-Encoding, Origin\r\n");
    assert_contains(text, "\r\nX-Rule: 1\r\n");
    assert_contains(text, "\r\nAccess-Control-Allow-Origin: https://a.test\r\n"
                          "Access-Control-Expose-Headers: ETag\r\n");
    parse("GET", "1.1", "Origin: https://b.test\r\n");
    respond_with_page(&exchange, &response);
    text = gathered();
    assert_contains(text, "\r\nVary: Accept-Encoding, Origin\r\n");
    assert_int_equal(count_text(text, "Access-Control"), 0);
    route_none(route, REASON_NONE);
    respond_with_page(&exchange, &response);
    assert_int_equal(count_text(gathered(), "Vary"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_persistence, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_age, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pages, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_files, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pieces, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_no_room_for_the_head, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_lines_of_the_site, open_loop, close_loop),
    };
    return cmocka_run_group_tests_name("respond", tests, NULL, NULL);
}
