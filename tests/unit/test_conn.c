#include "support/loopfixture.h"
#include "support/scarce.h"
#include "support/slowsocket.h"

#define POST_FIVE(field) "POST /hello.txt HTTP/1.1\r\n" HOST field "Content-Length: 5\r\n\r\n"
#define RANGES(path)     "GET " path " HTTP/1.1\r\n" HOST "Range: bytes=0-9,300-2000,-5000\r\n\r\n"

// ---- receiving ----------------------------------------------------------------------------------

TEST(test_byte_at_a_time)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    const char *request = GET("/hello.txt");
    for (int turn = 0; turn < 2; turn++) {
        client_forget(&c);
        for (size_t i = 0; i + 1 < strlen(request); i++) {
            client_send_bytes(&c, request + i, 1);
            fixture_round(f);
            client_take(&c, 100);
            assert_int_equal(c.len, 0);
        }
        client_send(&c, "\n");
        client_pump(f, &c);
        assert_starts(c.got, OK);
        assert_string_equal(content_of(c.got), HELLO);
    }
    client_close(&c);
    fixture_close(f);
}

TEST(test_idle_owns_nothing)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    fixture_round(f);
    assert_int_equal(fixture_conn(f)->state, CONN_HEAD);
    assert_null(fixture_conn(f)->in);
    client_ask(f, &c, "GET");
    assert_non_null(fixture_conn(f)->in);
    client_ask(f, &c, " / HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(fixture_conn(f)->state, CONN_IDLE);
    assert_null(fixture_conn(f)->in);
    client_ask(f, &c, "\r\n"); // an empty line is nothing either
    assert_int_equal(fixture_conn(f)->state, CONN_IDLE);
    assert_null(fixture_conn(f)->in);
    client_close(&c);
    fixture_await(f, 0);
    fixture_close(f);
}

TEST(test_pipelined)
{
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    socket_sends = 0;
    client_ask(f, &c, GET("/hello.txt") GET("/none") "\r\n" GET("/") "GET /hello.txt HTTP/1.1\r\n");
    assert_int_equal(socket_sends, 1); // gathered
    assert_starts(c.got, OK);
    assert_starts(content_of(c.got), HELLO "HTTP/1.1 404 ");
    assert_contains(c.got, "</html>\n" OK);
    assert_starts(c.got + c.len - strlen("<p>index\n"), "<p>index\n");
    client_ask(f, &c, HOST "\r\n");
    assert_string_equal(content_of(c.got), HELLO);
    client_close(&c);
    fixture_close(f);
}

// More answers than are gathered, more requests than a block holds, and content between.
TEST(test_pipelined_many)
{
    static const char one[] = GET("/hello.txt"), two[] = GET("/medium.bin");
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    char text[400 * sizeof(one) + 8 * sizeof(two)];
    struct buf b = buf_make(text, sizeof(text));
    for (int i = 0; i < 400; i++) {
        buf_puts(&b, one);
        if (i % 50 == 49)
            buf_puts(&b, two);
    }
    client_send_bytes(&c, b.data, b.len);
    client_pump(f, &c);
    assert_int_equal(count_text(c.got, OK), 408);
    assert_int_equal(count_text(c.got, "\r\n\r\n" HELLO), 400);
    assert_int_equal(count_text(c.got, "Content-Length: 20000\r\n"), 8);
    assert_pattern(c.got + c.len - MEDIUM, MEDIUM);
    client_close(&c);
    fixture_close(f);
}

// ---- limits -------------------------------------------------------------------------------------

// A head of exactly the limits: a line and fields of `line` and `fields` bytes.
static size_t make_head(char *text, size_t size, size_t line, size_t fields)
{
    struct buf b = buf_make(text, size);
    buf_puts(&b, "GET /?");
    while (b.len < line - strlen(" HTTP/1.1"))
        buf_putc(&b, 'x');
    buf_puts(&b, " HTTP/1.1\r\n" HOST);
    while (b.len < line + 2 + fields) {
        size_t left = line + 2 + fields - b.len;
        size_t len = left > 1000 ? 500 : left;
        buf_puts(&b, "X: ");
        for (size_t i = 5; i < len; i++)
            buf_putc(&b, 'y');
        buf_puts(&b, "\r\n");
    }
    buf_puts(&b, "\r\n");
    assert_false(b.overflow);
    return b.len;
}

TEST(test_largest_heads)
{
    static const struct {
        size_t line, fields;
        const char *want;
    } cases[] = {
        {8192, 32768, OK},
        {8193, 32768, "HTTP/1.1 414 "},
        {8192, 32769, "HTTP/1.1 431 "},
        {100, 4096 - 102 - 2, OK},
        {100, 3959, OK}, // about as large as a small block
        {100, 3970, OK},
    };
    char text[50000];
    struct fixture *f = fixture_open(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (int pieces = 1; pieces <= 3; pieces++) {
            struct client c = client_open(f);
            size_t len = make_head(text, sizeof(text), cases[i].line, cases[i].fields);
            size_t piece = len / (size_t)pieces;
            for (int p = 0; p < pieces; p++) {
                size_t n = p + 1 < pieces ? piece : len - piece * (size_t)p;
                client_send_bytes(&c, text + piece * (size_t)p, n);
                fixture_round(f);
            }
            client_pump(f, &c);
            assert_starts(c.got, cases[i].want);
            client_close(&c);
        }
    }
    fixture_close(f);
}

TEST(test_big_heads_are_limited)
{
    char text[10000];
    struct fixture *f = fixture_open("limits.big_heads", "1", NULL);
    struct client a = client_open(f), b = client_open(f), c = client_open(f);
    size_t len = make_head(text, sizeof(text), 100, 6000);
    client_send_bytes(&a, text, len - 1);
    client_pump(f, &a);
    assert_int_equal(f->loop.ctx.pool.big_used, 1);
    client_send_bytes(&b, text, len);
    client_pump(f, &b);
    assert_starts(b.got, "HTTP/1.1 503 ");
    assert_contains(b.got, "Retry-After: ");
    assert_starts(client_ask(f, &c, GET("/")), OK); // others do not suffer
    client_ask(f, &a, "\n");
    assert_starts(a.got, OK);
    assert_int_equal(f->loop.ctx.pool.big_used, 0);
    client_send_bytes(&c, text, len);
    client_forget(&c);
    client_pump(f, &c);
    assert_starts(c.got, OK);
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fixture_close(f);
}

// ---- memory -------------------------------------------------------------------------------------

// All that makes a loop ask for memory: a slot, blocks of each kind, files, answers put aside, a
// held line of the log. True when the failure took place.
static bool run_with_failure(unsigned nth)
{
    char head[10000];
    struct fixture *f = fixture_open_unstarted(NULL);
    char path[PATH_MAX];
    f->served.access_log = open(tempdir_path(&f->dir, "log", path), O_WRONLY | O_CREAT, 0600);
    fixture_start(f);
    size_t len = make_head(head, sizeof(head), 100, 6000);
    static const char *const requests[] = {GET("/hello.txt") GET("/none"),
                                           GET("/medium.bin"),
                                           GET("/large.bin"),
                                           POST_FIVE("") "12",
                                           GET("/hello.txt") GET("/sub") GET("/large.bin"),
                                           GET("/hello.txt") GET("/sub/"),
                                           RANGES("/large.bin") RANGES("/medium.bin")};
    f->conf->sites[0].listing = true;
    allocations = 0;
    bool failed = false;
    for (size_t i = 0; i <= ARRAY_SIZE(requests); i++) {
        struct client c = client_open(f);
        if (i < ARRAY_SIZE(requests))
            client_send(&c, requests[i]);
        else
            client_send_bytes(&c, head, len);
        socket_allowance = 150;
        failing_allocation = nth;
        fixture_round(f);
        fixture_round(f);
        socket_allowance = 30000;
        fixture_round(f);
        failed = failed || has_failed();
        failing_allocation = 0;
        socket_allowance = -1;
        client_pump(f, &c);
        if (!failed || i == ARRAY_SIZE(requests)) // it recovers
            assert_true(c.len > 0 || i == 3 || failed);
        client_close(&c);
        fixture_round(f);
    }
    struct client last = client_open(f);
    assert_string_equal(content_of(client_ask(f, &last, GET("/hello.txt"))), HELLO);
    client_close(&last);
    fixture_close(f);
    return failed;
}

TEST(test_every_allocation_may_fail)
{
    unsigned n = 1;
    while (run_with_failure(n))
        n++;
    assert_true(n > 10); // it has met some
    assert_true(n < 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_byte_at_a_time),
        cmocka_unit_test(test_idle_owns_nothing),
        cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_pipelined_many),
        cmocka_unit_test(test_largest_heads),
        cmocka_unit_test(test_big_heads_are_limited),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}
