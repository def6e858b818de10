// Connections that end: by the client, by an answer, by a deadline.
#include "support/loopfixture.h"
#include "support/slowsocket.h"

#define POST_FIVE(field) "POST /hello.txt HTTP/1.1\r\n" HOST field "Content-Length: 5\r\n\r\n"

TEST(test_half_close)
{
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
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    fixture_close(f);
}

TEST(test_reset)
{
    static const char *const begun[] = {"", "GET / HT", POST_FIVE("") "12", GET("/large.bin")};
    const struct linger at_once = {1, 0};
    struct fixture *f = fixture_open(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(begun); i++) {
        struct client c = client_open(f);
        socket_allowance = 1000;
        client_send(&c, begun[i]);
        fixture_round(f);
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        client_close(&c);
        socket_allowance = -1;
        for (int round = 0; round < 3; round++)
            fixture_await(f, 0);
    }
    fixture_close(f);
}

// A client that goes on sending gets the refusal, not a reset.
TEST(test_lingering_close)
{
    char junk[10000];
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

TEST(test_deadlines)
{
    struct fixture *f = fixture_open("timeouts.head", "3s", "timeouts.body", "4s", "timeouts.send",
                                     "5s", "timeouts.idle", "6s", "timeouts.linger", "7s", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++) {
        struct client c = client_open(f);
        client_ask(f, &c, deadlines[i].sent);
        fixture_pass_time(f, deadlines[i].after - 1);
        assert_int_equal(f->loop.ctx.slots.taken, 1);
        client_pump(f, &c);
        assert_false(c.eof);
        fixture_pass_time(f, 1);
        client_pump(f, &c);
        assert_true(c.eof && !c.reset);
        assert_starts(c.got ? c.got : "", deadlines[i].want);
        assert_int_equal(f->loop.ctx.slots.taken, !deadlines[i].gone);
        fixture_pass_time(f, 6999);
        assert_int_equal(f->loop.ctx.slots.taken, !deadlines[i].gone);
        fixture_pass_time(f, 1);
        assert_int_equal(f->loop.ctx.slots.taken, 0);
        client_close(&c);
    }
    fixture_close(f);
}

// Bytes do not move a deadline; a request that is complete does.
TEST(test_deadline_is_absolute)
{
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

// Only bytes that arrived since the last look count: 5 in 5 s are enough here, 4 are not.
TEST(test_send_deadline)
{
    static const int progress[] = {10, 5, 4};
    struct fixture *f = fixture_open("timeouts.send", "5s", "limits.send_rate", "1", NULL);
    struct client c = client_open(f);
    socket_allowance = 1000;
    client_ask(f, &c, GET("/large.bin"));
    for (size_t i = 0; i < ARRAY_SIZE(progress); i++) {
        fixture_pass_time(f, 4999);
        socket_allowance = progress[i];
        fixture_round(f);
        assert_int_equal(f->loop.ctx.slots.taken, 1);
        fixture_pass_time(f, 1);
    }
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    assert_int_equal(
        atomic_load(&f->served.scoreboard.places[0].slots[0].closed[CONN_CLOSE_TIMEOUT]), 1);
    socket_allowance = -1;
    client_close(&c);
    fixture_close(f);
}

// Received in the round in which the loop begins to end, just before it hears of that: the request
// is answered as the last one, and part of one is waited for.
TEST(test_received_when_the_loop_ends)
{
    struct fixture *f = fixture_open(NULL);
    struct client whole = client_open(f), part = client_open(f);
    client_ask(f, &whole, GET("/"));
    client_send(&part, "GET /hello.txt");
    loop_round(&f->loop); // without a poke, whose turn then comes behind that of what is sent next
    client_send(&whole, GET("/hello.txt"));
    client_send(&part, " HTTP/1.1\r\n");
    loop_poke(&f->loop, LOOP_RETIRING);
    loop_round(&f->loop);
    client_forget(&whole);
    client_pump(f, &whole);
    assert_contains(whole.got, "Connection: close\r\n");
    assert_true(whole.eof && !whole.reset);
    client_close(&whole);
    fixture_await(f, 1);
    assert_int_equal(fixture_conn(f)->state, CONN_HEAD);
    assert_string_equal(content_of(client_ask(f, &part, HOST "\r\n")), HELLO);
    client_close(&part);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_lingering_close),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_deadline_is_absolute),
        cmocka_unit_test(test_send_deadline),
        cmocka_unit_test(test_received_when_the_loop_ends),
    };
    return cmocka_run_group_tests_name("conn_ends", tests, NULL, NULL);
}
