// The steps of a connection, in a loop that is driven by hand.
#include "support/loopfixture.h"
#include "support/slowsocket.h"

// ---- states -------------------------------------------------------------------------------------

#define CLOSING "GET /hello.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

// After a step the state says what the connection waits for, and what has come without being used
// is still there.
static const struct {
    const char *sent;
    ssize_t allowance; // of the socket, for the answer
    enum conn_state state;
    size_t input; // bytes
} steps[] = {
    {"\r\n", -1, CONN_HEAD, 0},
    {"GET", -1, CONN_HEAD, 3},
    {GET("/hello.txt"), -1, CONN_IDLE, 0},
    {GET("/hello.txt") "\r\n", -1, CONN_IDLE, 0},
    {GET("/hello.txt") "GET", -1, CONN_HEAD, 3},
    {GET("/hello.txt") "GET", 10, CONN_SEND, 3},
    {GET("/large.bin") GET("/"), 1000, CONN_SEND, sizeof(GET("/")) - 1},
    {CLOSING, -1, CONN_FREE, 0},
    {CLOSING, 10, CONN_SEND, 0},
    {CLOSING "GET", -1, CONN_LINGER, 0},
    {"nonsense\r\n\r\n", -1, CONN_LINGER, 0},
};

TEST(test_next_state)
{
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct fixture *f = fixture_open(NULL);
        struct client c = client_open(f);
        fixture_await(f, 1);
        struct conn *conn = fixture_conn(f);
        socket_allowance = steps[i].allowance;
        client_ask(f, &c, steps[i].sent);
        socket_allowance = -1;
        assert_int_equal(conn->state, steps[i].state);
        assert_int_equal(conn->in ? conn->in->end - conn->in->start : 0, steps[i].input);
        client_close(&c);
        fixture_close(f);
    }
}

// ---- sending ------------------------------------------------------------------------------------

// The socket takes `cut` bytes at first and the rest later: the answer is the same.
static void check_cut(struct fixture *f, const char *request, const struct client *whole,
                      size_t cut)
{
    struct client c = client_open(f);
    socket_allowance = (ssize_t)cut;
    client_send(&c, request);
    for (int i = 0; i < 4; i++) {
        fixture_round(f);
        client_take(&c, 1 << 20);
    }
    assert_true(c.len <= cut);
    socket_allowance = -1;
    for (struct wait w = {0}; c.len < whole->len && wait_on(&w);) {
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

TEST(test_partial_writes)
{
    struct fixture *f = fixture_open(NULL);
    check_every_cut(f, GET("/hello.txt"), 400, 1);
    check_every_cut(f, GET("/hello.txt") GET("/none") GET("/sub"), 100, 37);
    check_every_cut(f, GET("/hello.txt") GET("/medium.bin") GET("/hello.txt"), 0, 997);
    check_every_cut(f, GET("/large.bin") GET("/hello.txt"), 0, 65537);
    fixture_close(f);
}

// A client that reads slowly, through a real socket with a small buffer.
TEST(test_slow_reader)
{
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
    for (struct wait w = {0}; !(c.len > LARGE && strstr(c.got + LARGE, HELLO)) && wait_on(&w);) {
        fixture_round(f);
        client_take(&c, 3001);
    }
    assert_true(c.len > LARGE);
    assert_pattern(content_of(c.got), LARGE);
    assert_starts(content_of(c.got) + LARGE, OK);
    assert_string_equal(content_of(content_of(c.got) + LARGE), HELLO);
    client_close(&c);
    fixture_close(f);
}

TEST(test_file_shrinks)
{
    char path[PATH_MAX];
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    socket_allowance = 100000;
    client_ask(f, &c, GET("/large.bin") GET("/hello.txt"));
    assert_int_equal(truncate(tempdir_path(&f->dir, "large.bin", path), 150000), 0);
    socket_allowance = -1;
    client_pump(f, &c);
    assert_true(c.eof);
    assert_int_equal(c.len, (size_t)(content_of(c.got) - c.got) + 150000);
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    client_close(&c);
    fixture_close(f);
}

// ---- content of requests ------------------------------------------------------------------------

#define POST_FIVE(field) "POST /hello.txt HTTP/1.1\r\n" HOST field "Content-Length: 5\r\n\r\n"
#define POST_CHUNKED     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

// A request in pieces gets the status of its row; the bytes behind it are a request of their own.
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

TEST(test_contents)
{
    struct fixture *f = fixture_open(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(contents); i++)
        check_content(f, i);
    fixture_close(f);
}

#define EXPECT                                                    \
    "GET /hello.txt HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n" \
    "Content-Length: 5\r\n\r\n"

TEST(test_continue)
{
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
TEST(test_content_behind_stuck_answers)
{
    struct fixture *f = fixture_open(NULL);
    for (ssize_t cut = 0; cut < 300; cut += 100) {
        struct client c = client_open(f);
        socket_allowance = cut;
        client_send(&c, GET("/hello.txt") POST_FIVE("") "12");
        client_pump(f, &c);
        socket_allowance = -1;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_state),
        cmocka_unit_test(test_partial_writes),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_file_shrinks),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_content_behind_stuck_answers),
    };
    return cmocka_run_group_tests_name("conn_step", tests, NULL, NULL);
}
