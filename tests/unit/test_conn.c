#include "loopfixture.h"
#include "scarce.h"
#include "slowsocket.h"

#define GET(path)    "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define OK           "HTTP/1.1 200 OK\r\n"
#define RANGES(path) "GET " path " HTTP/1.1\r\n" HOST "Range: bytes=0-9,300-2000,-5000\r\n\r\n"

// ---- receiving ----------------------------------------------------------------------------------

static void test_byte_at_a_time(void **state)
{
    (void)state;
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

static void test_idle_owns_nothing(void **state)
{
    (void)state;
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

static void test_pipelined(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    sends = 0;
    client_ask(f, &c, GET("/hello.txt") GET("/none") "\r\n" GET("/") "GET /hello.txt HTTP/1.1\r\n");
    assert_int_equal(sends, 1); // gathered
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
static void test_pipelined_many(void **state)
{
    static const char one[] = GET("/hello.txt"), two[] = GET("/medium.bin");
    (void)state;
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

// ---- sending ------------------------------------------------------------------------------------

// The socket takes `cut` bytes at first and the rest later: the answer is the same.
static void check_cut(struct fixture *f, const char *request, const struct client *whole,
                      size_t cut)
{
    struct client c = client_open(f);
    allowance = (ssize_t)cut;
    client_send(&c, request);
    for (int i = 0; i < 4; i++) {
        fixture_round(f);
        client_take(&c, 1 << 20);
    }
    assert_true(c.len <= cut);
    allowance = -1;
    for (int i = 0; i < 1000 && c.len < whole->len; i++) {
        fixture_round(f);
        client_take(&c, 1 << 20);
    }
    assert_int_equal(c.len, whole->len);
    assert_memory_equal(c.got, whole->got, whole->len);
    client_close(&c);
    fixture_await(f, 1);
}

static void check_every_cut(struct fixture *f, const char *request, size_t dense, size_t step)
{
    struct client whole = client_open(f);
    client_ask(f, &whole, request);
    for (size_t cut = 0; cut < whole.len; cut += cut < dense ? 1 : step)
        check_cut(f, request, &whole, cut);
    client_close(&whole);
}

static void test_partial_writes(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    check_every_cut(f, GET("/hello.txt"), 400, 1);
    check_every_cut(f, GET("/hello.txt") GET("/none") GET("/sub"), 100, 37);
    check_every_cut(f, GET("/hello.txt") GET("/medium.bin") GET("/hello.txt"), 0, 997);
    check_every_cut(f, GET("/large.bin") GET("/hello.txt"), 0, 65537);
    fixture_close(f);
}

// A client that reads slowly, through a real socket with a small buffer.
static void test_slow_reader(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_unstarted(NULL);
    const int small = 8192;
    setsockopt(f->listeners[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fixture_start(f);
    struct client c = client_open(f);
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    client_send(&c, GET("/large.bin") GET("/hello.txt"));
    for (int i = 0; i < 100; i++)
        fixture_round(f);
    assert_int_equal(fixture_conn(f)->state, CONN_SEND);
    for (int i = 0; i < 10000 && !(c.len > LARGE && strstr(c.got + LARGE, HELLO)); i++) {
        struct pollfd p = {.fd = c.fd, .events = POLLIN};
        fixture_round(f);
        poll(&p, 1, 10);
        client_take(&c, 3001);
    }
    assert_true(c.len > LARGE);
    assert_pattern(content_of(c.got), LARGE);
    assert_starts(content_of(c.got) + LARGE, OK);
    assert_string_equal(content_of(content_of(c.got) + LARGE), HELLO);
    client_close(&c);
    fixture_close(f);
}

static void test_file_shrinks(void **state)
{
    char path[PATH_MAX];
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    allowance = 100000;
    client_ask(f, &c, GET("/large.bin") GET("/hello.txt"));
    assert_int_equal(truncate(tempdir_path(&f->dir, "large.bin", path), 150000), 0);
    allowance = -1;
    client_pump(f, &c);
    assert_true(c.eof);
    assert_int_equal(c.len, (size_t)(content_of(c.got) - c.got) + 150000);
    assert_int_equal(f->loop.connections, 0);
    client_close(&c);
    fixture_close(f);
}

// ---- content of requests ------------------------------------------------------------------------

#define POST_FIVE(field) "POST /hello.txt HTTP/1.1\r\n" HOST field "Content-Length: 5\r\n\r\n"
#define POST_CHUNKED     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

// What comes in pieces is answered as given; whatever follows is a request of its own.
static const struct {
    const char *pieces[5];
    int status;
    bool persists;
} contents[] = {
    {{POST_FIVE("") "12345"}, 405, true},
    {{POST_FIVE(""), "12", "345"}, 405, true},
    {{POST_FIVE(""), "12345"}, 405, true},
    {{"GET /hello.txt HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", "GET /"}, 200, true},
    {{POST_CHUNKED, "3\r\nab", "c\r\n0\r\n", "\r\n"}, 405, true},
    {{POST_CHUNKED "3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"}, 405, true},
    {{POST_CHUNKED, "x\r\n"}, 400, false},
    {{POST_CHUNKED "x\r\n"}, 400, false},
    {{"POST / HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n"}, 413, false},
    {{POST_CHUNKED, "f000\r\n"}, 405, false}, // incomplete: no answer
    {{POST_CHUNKED, "10001\r\n"}, 413, false},
    {{POST_FIVE("Expect: 100-continue\r\n")}, 405, false}, // the client does not send it then
    {{POST_FIVE("Expect: 100-continue\r\n") "12345"}, 405, true},
    {{POST_FIVE("Expect: nonsense\r\n"), "12345"}, 417, false},
};

static void check_content(struct fixture *f, size_t i)
{
    struct client c = client_open(f);
    char want[64];
    for (size_t p = 0; p < 5 && contents[i].pieces[p]; p++) {
        client_send(&c, contents[i].pieces[p]);
        fixture_round(f);
        if (p + 1 < 5 && contents[i].pieces[p + 1] && contents[i].persists) {
            client_take(&c, 1000);
            assert_int_equal(c.len, 0);
        }
    }
    client_pump(f, &c);
    snprintf(want, sizeof(want), "HTTP/1.1 %d ", contents[i].status);
    if (contents[i].status == 405 && c.len == 0) { // incomplete
        assert_int_equal(fixture_conn(f)->state, CONN_BODY);
    } else {
        assert_starts(c.got, want);
        assert_int_equal(count_text(c.got, "HTTP/1.1 "), 1);
        assert_int_equal(!c.eof, contents[i].persists);
        assert_int_equal(count_text(c.got, "Connection: close"), !contents[i].persists);
    }
    if (contents[i].persists)
        assert_string_equal(content_of(client_ask(f, &c, GET("/hello.txt"))), HELLO);
    client_close(&c);
    fixture_await(f, 0);
}

static void test_contents(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(contents); i++)
        check_content(f, i);
    fixture_close(f);
}

#define EXPECT                                                    \
    "GET /hello.txt HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n" \
    "Content-Length: 5\r\n\r\n"

static void test_continue(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    assert_string_equal(client_ask(f, &c, EXPECT), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_string_equal(client_ask(f, &c, "12"), "");
    client_ask(f, &c, "345" GET("/"));
    assert_starts(c.got, OK);
    assert_int_equal(count_text(c.got, OK), 2);
    client_close(&c);
    // Content that is there already needs no asking.
    c = client_open(f);
    assert_starts(client_ask(f, &c, EXPECT "12345"), OK);
    client_close(&c);
    fixture_close(f);
}

// The answers before it are stuck while content is awaited: its count goes on where it was.
static void test_content_behind_stuck_answers(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    for (ssize_t cut = 0; cut < 300; cut += 100) {
        struct client c = client_open(f);
        allowance = cut;
        client_send(&c, GET("/hello.txt") POST_FIVE("") "12");
        client_pump(f, &c);
        allowance = -1;
        client_pump(f, &c);
        assert_starts(c.got, OK);
        assert_string_equal(content_of(c.got), HELLO);
        client_ask(f, &c, "345");
        assert_starts(c.got, "HTTP/1.1 405 ");
        client_ask(f, &c, GET("/hello.txt"));
        assert_string_equal(content_of(c.got), HELLO);
        client_close(&c);
    }
    fixture_close(f);
}

// ---- ends ---------------------------------------------------------------------------------------

static void test_half_close(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    client_send(&c, GET("/large.bin") GET("/hello.txt"));
    shutdown(c.fd, SHUT_WR);
    client_pump(f, &c);
    assert_true(c.eof && !c.reset);
    assert_pattern(content_of(c.got), LARGE);
    assert_string_equal(content_of(content_of(c.got) + LARGE), HELLO);
    client_close(&c);
    static const char *const incomplete[] = {"", "GET / HT", POST_FIVE("") "12"};
    for (size_t i = 0; i < ARRAY_SIZE(incomplete); i++) {
        c = client_open(f);
        fixture_round(f);
        client_send(&c, incomplete[i]);
        shutdown(c.fd, SHUT_WR);
        client_pump(f, &c);
        assert_true(c.eof && !c.reset);
        assert_int_equal(c.len, 0);
        client_close(&c);
    }
    assert_int_equal(f->loop.connections, 0);
    fixture_close(f);
}

static void test_reset(void **state)
{
    static const char *const begun[] = {"", "GET / HT", POST_FIVE("") "12", GET("/large.bin")};
    const struct linger at_once = {1, 0};
    (void)state;
    struct fixture *f = fixture_open(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(begun); i++) {
        struct client c = client_open(f);
        allowance = 1000;
        client_send(&c, begun[i]);
        fixture_round(f);
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        client_close(&c);
        allowance = -1;
        for (int round = 0; round < 3; round++)
            fixture_await(f, 0);
    }
    fixture_close(f);
}

// A client that goes on sending gets the refusal, not a reset.
static void test_lingering_close(void **state)
{
    char junk[10000];
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    memset(junk, 'x', sizeof(junk));
    client_send(&c, "\x16\x03\x01 not HTTP");
    for (int i = 0; i < 20; i++) {
        client_send_bytes(&c, junk, sizeof(junk));
        fixture_round(f);
    }
    client_pump(f, &c);
    assert_starts(c.got, "HTTP/1.1 400 ");
    assert_true(c.eof && !c.reset);
    assert_int_equal(fixture_conn(f)->state, CONN_LINGER);
    shutdown(c.fd, SHUT_WR);
    fixture_await(f, 0);
    client_close(&c);
    // "Connection: close" with requests behind it: they are not answered, but read.
    c = client_open(f);
    client_ask(f, &c, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n" GET("/"));
    assert_int_equal(count_text(c.got, OK), 1);
    assert_true(c.eof && !c.reset);
    client_close(&c);
    fixture_close(f);
}

static const struct {
    const char *sent;
    const char *want; // begins so; "": nothing
    int64_t after;    // ms
    bool gone;        // closed at once; else it lingers
} deadlines[] = {
    {"", "", 3000, true},
    {"GET / HT", "HTTP/1.1 408 ", 3000, false},
    {POST_FIVE("") "12", "HTTP/1.1 408 ", 4000, false},
    {GET("/hello.txt"), OK, 6000, true},
};

static void test_deadlines(void **state)
{
    (void)state;
    struct fixture *f = fixture_open("timeouts.head", "3s", "timeouts.body", "4s", "timeouts.send",
                                     "5s", "timeouts.idle", "6s", "timeouts.linger", "7s", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++) {
        struct client c = client_open(f);
        client_ask(f, &c, deadlines[i].sent);
        fixture_pass_time(f, deadlines[i].after - 1);
        assert_int_equal(f->loop.connections, 1);
        client_pump(f, &c);
        assert_false(c.eof);
        fixture_pass_time(f, 1);
        client_pump(f, &c);
        assert_true(c.eof && !c.reset);
        assert_starts(c.got ? c.got : "", deadlines[i].want);
        assert_int_equal(f->loop.connections, !deadlines[i].gone);
        fixture_pass_time(f, 6999);
        assert_int_equal(f->loop.connections, !deadlines[i].gone);
        fixture_pass_time(f, 1);
        assert_int_equal(f->loop.connections, 0);
        client_close(&c);
    }
    fixture_close(f);
}

// Bytes do not move a deadline; a request that is complete does.
static void test_deadline_is_absolute(void **state)
{
    (void)state;
    struct fixture *f = fixture_open("timeouts.head", "3s", NULL);
    struct client c = client_open(f);
    client_ask(f, &c, GET("/hello.txt") "GET / HTTP/1.1\r\nX: ");
    for (int i = 0; i < 2; i++) {
        fixture_pass_time(f, 1000);
        assert_string_equal(client_ask(f, &c, "x"), "");
    }
    fixture_pass_time(f, 1000);
    client_pump(f, &c);
    assert_starts(c.got, "HTTP/1.1 408 ");
    client_close(&c);
    fixture_close(f);
}

// What counts is what arrived since the last look: 5 bytes in 5 s are enough here, 4 are not.
static void test_send_deadline(void **state)
{
    static const int progress[] = {10, 5, 4};
    (void)state;
    struct fixture *f = fixture_open("timeouts.send", "5s", "limits.send_rate", "1", NULL);
    struct client c = client_open(f);
    allowance = 1000;
    client_ask(f, &c, GET("/large.bin"));
    for (size_t i = 0; i < ARRAY_SIZE(progress); i++) {
        fixture_pass_time(f, 4999);
        allowance = progress[i];
        fixture_round(f);
        assert_int_equal(f->loop.connections, 1);
        fixture_pass_time(f, 1);
    }
    assert_int_equal(f->loop.connections, 0);
    assert_int_equal(atomic_load(&f->scoreboard.slots[0].closed[CONN_CLOSE_TIMEOUT]), 1);
    allowance = -1;
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

static void test_largest_heads(void **state)
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
    (void)state;
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

static void test_big_heads_are_limited(void **state)
{
    char text[10000];
    (void)state;
    struct fixture *f = fixture_open("limits.big_heads", "1", NULL);
    struct client a = client_open(f), b = client_open(f), c = client_open(f);
    size_t len = make_head(text, sizeof(text), 100, 6000);
    client_send_bytes(&a, text, len - 1);
    client_pump(f, &a);
    assert_int_equal(f->loop.pool.big_used, 1);
    client_send_bytes(&b, text, len);
    client_pump(f, &b);
    assert_starts(b.got, "HTTP/1.1 503 ");
    assert_contains(b.got, "Retry-After: ");
    assert_starts(client_ask(f, &c, GET("/")), OK); // others do not suffer
    client_ask(f, &a, "\n");
    assert_starts(a.got, OK);
    assert_int_equal(f->loop.pool.big_used, 0);
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
    f->service.access_log = open(tempdir_path(&f->dir, "log", path), O_WRONLY | O_CREAT, 0600);
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
        allowance = 150;
        failing_allocation = nth;
        fixture_round(f);
        fixture_round(f);
        allowance = 30000;
        fixture_round(f);
        failed = failed || has_failed();
        failing_allocation = 0;
        allowance = -1;
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

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
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
        cmocka_unit_test(test_partial_writes),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_file_shrinks),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_content_behind_stuck_answers),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_lingering_close),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_deadline_is_absolute),
        cmocka_unit_test(test_send_deadline),
        cmocka_unit_test(test_largest_heads),
        cmocka_unit_test(test_big_heads_are_limited),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}
