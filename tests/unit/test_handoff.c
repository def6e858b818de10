#include "support/looppair.h"

#include "server/conn_close.h"
#include "server/handoff_record.h"
#include "sys/fdpass.h"

#define CLOSING "GET /hello.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"

// ---- moving changes nothing ---------------------------------------------------------------------

// All that a client gets for these requests when its connection stays; the second time, for then
// the files are cached.
static struct client ask_staying(struct pair *p, const char *requests)
{
    struct client c = client_open(p->from);
    client_ask(p->from, &c, requests);
    client_close(&c);
    fixture_await(p->from, 0);
    c = client_open(p->from);
    assert_starts(client_ask(p->from, &c, requests), "HTTP/1.1 ");
    close(c.fd);
    fixture_await(p->from, 0);
    return c;
}

// `request` comes in two parts, between which the connection moves.
static void check_split(struct pair *p, struct slice request, const struct client *whole, size_t at)
{
    struct client c = client_open(p->from);
    client_send_bytes(&c, request.ptr, at);
    fixture_await(p->from, 1);
    fixture_round(p->from);
    pair_move(p);
    client_take(&c, 1 << 20);
    client_send_bytes(&c, request.ptr + at, request.len - at);
    for (struct wait w = {0}; c.len < whole->len && wait_on(&w);) {
        fixture_round(p->to);
        client_take(&c, 1 << 20);
    }
    assert_int_equal(c.len, whole->len);
    assert_memory_equal(c.got, whole->got, whole->len);
    client_close(&c);
    fixture_await(p->to, 0);
}

TEST(test_every_split)
{
    static const struct {
        const char *request;
        size_t padding, step;
    } cases[] = {
        {GET("/hello.txt") GET("/none") "\r\n" GET("/"), 0, 1},
        {"GET /hello.txt HTTP/1.1\r\n" HOST "X: ", 9000, 509}, // more than a small block
        {"GET /hello.txt HTTP/1.1\r\n" HOST "X: ", 32000, 3001},
    };
    static char text[40000];
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text) - 1);
        buf_puts(&b, cases[i].request);
        for (size_t n = 0; n < cases[i].padding; n++)
            buf_putc(&b, 'x');
        if (cases[i].padding)
            buf_puts(&b, "\r\n\r\n");
        text[b.len] = '\0';
        struct client whole = ask_staying(&p, text);
        for (size_t at = 0; at <= b.len; at += cases[i].step)
            check_split(&p, buf_slice(&b), &whole, at);
        free(whole.got);
    }
    pair_close(&p);
}

// The socket takes `cut` bytes at first; then the connection moves, perhaps several times.
static void check_cut(struct pair *p, const char *request, const struct client *whole, size_t cut)
{
    struct client c = client_open(p->from);
    socket_allowance = (ssize_t)cut;
    client_send(&c, request);
    fixture_await(p->from, 1);
    fixture_round(p->from);
    assert_int_equal(fixture_conn(p->from)->state, CONN_SEND);
    pair_move(p);
    socket_allowance = 1000; // some in the new one, still stuck
    fixture_round(p->to);
    socket_allowance = -1;
    for (struct wait w = {0}; c.len < whole->len && wait_on(&w);) {
        fixture_round(p->to);
        client_take(&c, 1 << 20);
    }
    assert_int_equal(c.len, whole->len);
    assert_memory_equal(c.got, whole->got, whole->len);
    client_close(&c);
    fixture_await(p->to, 0);
}

TEST(test_every_cut)
{
    static const struct {
        const char *request;
        size_t from, step, to;
    } cases[] = {
        {GET("/hello.txt"), 0, 7, 100},
        {GET("/hello.txt") GET("/none") GET("/sub"), 0, 61, 800},
        {GET("/hello.txt") GET("/medium.bin") GET("/hello.txt"), 0, 997, MEDIUM},
        {GET("/large.bin") GET("/hello.txt"), 0, 65537, LARGE},
        {"GET /large.bin HTTP/1.1\r\n" HOST "Range: bytes=100-99999\r\n\r\n", 50, 9999, 99000},
        {"HEAD /large.bin HTTP/1.1\r\n" HOST "\r\n" CLOSING, 0, 61, 300},
    };
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client whole = ask_staying(&p, cases[i].request);
        for (size_t cut = cases[i].from; cut < cases[i].to; cut += cases[i].step)
            check_cut(&p, cases[i].request, &whole, cut);
        free(whole.got);
    }
    pair_close(&p);
}

static void assert_same(const struct conn *a, const struct conn *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->ending, b->ending);
    assert_int_equal(a->eof, b->eof);
    if (b->state == CONN_SEND)
        assert_int_equal(a->resume, b->resume);
    assert_int_equal(a->listener, b->listener);
    assert_int_equal(a->requests, b->requests);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->transfer.length, b->transfer.length);
    assert_int_equal(transfer_left(&a->transfer), transfer_left(&b->transfer));
    assert_int_equal(a->sent, b->sent);
    assert_int_equal(a->due, b->due);
    assert_int_equal(a->deadline.since, b->deadline.since);
    assert_int_equal(a->deadline.class, b->deadline.class);
    assert_int_equal(a->interest, b->interest);
    assert_memory_equal(&a->client, &b->client, sizeof(a->client));
}

// Whatever stands in the slot is there afterwards, in each state.
TEST(test_fields)
{
    static const struct {
        const char *request;
        ssize_t allowance;
        bool eof, over_unix;
        enum conn_state state;
        enum conn_ending ending;
    } cases[] = {
        {"", -1, false, false, CONN_HEAD, CONN_STAYS},
        {"GET /", -1, false, false, CONN_HEAD, CONN_STAYS},
        {GET("/hello.txt"), -1, false, false, CONN_IDLE, CONN_STAYS},
        {GET("/hello.txt") "GET", -1, false, true, CONN_HEAD, CONN_STAYS},
        {GET("/hello.txt") GET("/large.bin"), 5000, false, false, CONN_SEND, CONN_STAYS},
        {GET("/large.bin") GET("/hello.txt") "G", 5000, false, false, CONN_SEND, CONN_STAYS},
        {GET("/medium.bin") GET("/hello.txt") "G", 5000, false, true, CONN_SEND, CONN_STAYS},
        {GET("/hello.txt") CLOSING, 10, false, false, CONN_SEND, CONN_CLOSES},
        {GET("/hello.txt") "nonsense\r\n\r\n", 10, false, false, CONN_SEND, CONN_LINGERS},
        {GET("/large.bin") GET("/hello.txt"), 5000, true, false, CONN_SEND, CONN_STAYS},
    };
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client c = cases[i].over_unix ? client_open_unix(p.from) : client_open(p.from);
        fixture_await(p.from, 1);
        socket_allowance = cases[i].allowance;
        client_send(&c, cases[i].request);
        fixture_round(p.from);
        fixture_round(p.from);
        fixture_conn(p.from)->eof = cases[i].eof;
        struct conn before = *fixture_conn(p.from);
        assert_int_equal(before.state, cases[i].state);
        assert_int_equal(before.ending, cases[i].ending);
        fixture_clock.now += 5;
        pair_move(&p);
        assert_same(fixture_conn(p.to), &before);
        socket_allowance = -1;
        client_close(&c);
        fixture_await(p.to, 0);
    }
    assert_int_equal(p.from->loop.ctx.slot->closed[CONN_CLOSE_HANDED], ARRAY_SIZE(cases));
    pair_close(&p);
}

// The count of a connection's requests goes on, whoever answers.
TEST(test_requests_are_counted)
{
    struct pair p = pair_make("limits.requests", "3", "limits.requests", "3");
    struct client c = client_open(p.from);
    client_ask(p.from, &c, GET("/hello.txt") GET("/hello.txt"));
    pair_move(&p);
    client_ask(p.to, &c, GET("/hello.txt"));
    assert_contains(c.got, "Connection: close\r\n");
    assert_true(c.eof && !c.reset);
    client_close(&c);
    pair_close(&p);
}

// A connection that is to be closed after its answer is closed so by the new generation.
TEST(test_endings)
{
    static const char *const requests[] = {CLOSING, "nonsense\r\n\r\n",
                                           "GET /hello.txt HTTP/1.0\r\n\r\n"};
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct client c = client_open(p.from);
        socket_allowance = 10;
        client_send(&c, requests[i]);
        fixture_await(p.from, 1);
        fixture_round(p.from);
        pair_move(&p);
        socket_allowance = -1;
        client_pump(p.to, &c);
        assert_starts(c.got, "HTTP/1.1 ");
        assert_contains(c.got, "Connection: close\r\n");
        assert_true(c.eof && !c.reset);
        client_close(&c);
        fixture_await(p.to, 0);
    }
    pair_close(&p);
}

TEST(test_file_is_truncated)
{
    char path[PATH_MAX];
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    socket_allowance = 100000;
    client_ask(p.from, &c, GET("/large.bin"));
    pair_move(&p);
    assert_int_equal(truncate(tempdir_path(&p.from->dir, "large.bin", path), 150000), 0);
    socket_allowance = -1;
    client_pump(p.to, &c);
    assert_true(c.eof);
    assert_int_equal(c.len, (size_t)(content_of(c.got) - c.got) + 150000);
    assert_int_equal(p.to->loop.ctx.slot->closed[CONN_CLOSE_CHANGED], 1);
    client_close(&c);
    pair_close(&p);
}

// ---- times --------------------------------------------------------------------------------------

// Times that no honest sender has: nobody lives for ever, and nothing overflows.
TEST(test_impossible_times)
{
    static const int64_t sinces[] = {INT64_MIN, -1, 0, INT64_MAX};
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(sinces); i++) {
        struct client c = client_open(p.from);
        client_ask(p.from, &c, GET("/hello.txt"));
        fixture_conn(p.from)->deadline.since = sinces[i];
        pair_move(&p);
        int64_t since = fixture_conn(p.to)->deadline.since;
        assert_true(since >= 0 && since <= p.to->loop.ctx.clock.now);
        if (sinces[i] == 0) // the sender does not know it
            assert_int_equal(since, p.to->loop.ctx.clock.now);
        fixture_pass_time(p.to, (int64_t)p.to->conf->timeouts.idle);
        client_pump(p.to, &c);
        assert_true(c.eof);
        client_close(&c);
    }
    pair_close(&p);
}

// ---- who takes them -----------------------------------------------------------------------------

// Nothing waits: a loop that is short of descriptors does nothing about it.
TEST(test_nothing_there)
{
    struct pair p = pair_open();
    int lowest = dup(0);
    close(lowest);
    assert_int_equal(handoff_take(&p.to->loop.ctx, p.sockets[0]), HANDOFF_NONE);
    limit_descriptors((rlim_t)lowest);
    assert_int_equal(handoff_take(&p.to->loop.ctx, p.sockets[0]), HANDOFF_NONE);
    limit_descriptors(0);
    assert_null(p.to->loop.ctx.slots.closed);
    assert_int_equal(p.to->loop.ctx.slots.taken, 0);
    pair_close(&p);
}

// The one who sent has gone: its socket is let go of, and not before.
TEST(test_over)
{
    struct pair p = pair_open();
    size_t before = count_fds();
    fixture_round(p.to);
    acceptor_tick(&p.to->loop.acceptors);
    assert_int_equal(count_fds(), before);
    shutdown(p.sockets[1], SHUT_RDWR);
    assert_int_equal(handoff_take(&p.to->loop.ctx, p.sockets[0]), HANDOFF_OVER);
    fixture_round(p.to);
    acceptor_tick(&p.to->loop.acceptors);
    assert_int_equal(count_fds(), before - 1);
    pair_close(&p);
}

// The new configuration allows shorter heads: what has come already is refused, not written
// beyond its end.
TEST(test_shorter_heads)
{
    static char head[9000];
    struct pair p = pair_make(NULL, NULL, "limits.fields", "256");
    memset(head, 'x', sizeof(head));
    memcpy(head, GET("/hello.txt"), strlen(GET("/hello.txt")) - 2);
    memcpy(head + strlen(GET("/hello.txt")) - 2, "X: ", 3);
    for (size_t at = 300; at <= 8900; at += 700) {
        struct client c = client_open(p.from);
        client_send_bytes(&c, head, at);
        fixture_await(p.from, 1);
        fixture_round(p.from);
        pair_move(&p);
        client_send(&c, "x");
        client_pump(p.to, &c);
        assert_starts(c.got, "HTTP/1.1 431 ");
        client_close(&c);
        fixture_await(p.to, 0);
    }
    pair_close(&p);
}

// A head of a few bytes borrows no more memory than it did.
TEST(test_small_heads_stay_small)
{
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    client_ask(p.from, &c, "GET /");
    pair_move(&p);
    assert_int_equal(fixture_conn(p.to)->in->kind, BLOCK_KEPT);
    client_close(&c);
    pair_close(&p);
}

// On a server that stops, they get the last chance that others get.
TEST(test_taken_while_stopping)
{
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    client_ask(p.from, &c, GET("/hello.txt"));
    p.to->leaving[2] = true;
    loop_poke(&p.to->loop, LOOP_RETIRING);
    fixture_round(p.to);
    assert_int_equal(handoff_send(&p.from->loop.ctx, fixture_conn(p.from)), HANDOFF_SENT);
    fixture_pass_time(p.to, 1200);
    assert_int_equal(fixture_conn(p.to)->state, CONN_LAST);
    client_ask(p.to, &c, GET("/hello.txt"));
    assert_contains(c.got, "Connection: close\r\n");
    assert_true(c.eof && !c.reset);
    client_close(&c);
    pair_close(&p);
}

// Where a connection arrived decides who answers; also when that listener is gone.
TEST(test_listeners)
{
    struct pair p = pair_open();
    const struct endpoint tcp = p.from->addresses[0], named = p.from->addresses[1];
    struct endpoint any = tcp, other = tcp;
    any.in.sin_addr.s_addr = htonl(INADDR_ANY);
    other.in.sin_port ^= 1;
    const struct {
        struct endpoint first, second;
        size_t tcp, named;
    } cases[] = {
        {tcp, named, 0, 1}, {named, tcp, 1, 0},   {any, named, 0, 1},   {any, tcp, 1, 2},
        {other, any, 1, 2}, {other, named, 2, 1}, {named, named, 2, 0}, {other, other, 2, 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        p.to->addresses[0] = cases[i].first;
        p.to->addresses[1] = cases[i].second;
        for (int over_unix = 0; over_unix < 2; over_unix++) {
            struct client c = over_unix ? client_open_unix(p.from) : client_open(p.from);
            client_ask(p.from, &c, GET("/hello.txt"));
            pair_move(&p);
            assert_int_equal(fixture_conn(p.to)->listener,
                             over_unix ? cases[i].named : cases[i].tcp);
            client_ask(p.to, &c, GET("/hello.txt"));
            assert_string_equal(content_of(c.got), HELLO);
            client_close(&c);
            fixture_await(p.to, 0);
        }
    }
    pair_close(&p);
}

// ---- the access log -----------------------------------------------------------------------------

static const char *read_log(struct fixture *f)
{
    static char text[4096];
    accesslog_flush(&f->loop.ctx.log, fixture_clock.now, true);
    tempdir_read(&f->dir, "log", text, sizeof(text));
    assert_int_equal(ftruncate(f->served.access_log, 0), 0);
    return text;
}

// The line of an answer is written once, by who ends it, with what was sent of the content.
TEST(test_log)
{
    static const char *const names[] = {"/medium.bin", "/large.bin"};
    static const size_t sizes[] = {MEDIUM, LARGE};
    char request[100], want[100];
    struct pair p = pair_open();
    for (size_t i = 0; i < 4; i++) {
        bool whole = i < 2;
        struct client c = client_open(p.from);
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", names[i % 2]);
        socket_allowance = 5000;
        client_ask(p.from, &c, request);
        pair_move(&p);
        assert_string_equal(read_log(p.from), "");
        assert_string_equal(read_log(p.to), "");
        socket_allowance = whole ? -1 : 1000;
        client_pump(p.to, &c);
        size_t sent = c.len - (size_t)(content_of(c.got) - c.got);
        snprintf(want, sizeof(want), "] \"GET %s HTTP/1.1\" 200 %zu \"-\" \"-\"\n", names[i % 2],
                 whole ? sizes[i % 2] : sent);
        assert_true(whole || sent > 5000);
        client_close(&c);
        socket_allowance = -1;
        fixture_await(p.to, 0);
        // Of one that was cut, what had left for the socket counts.
        const char *log = read_log(p.to);
        if (whole)
            assert_contains(log, want);
        assert_int_equal(count_text(log, "\n"), 1);
        assert_int_equal(count_text(log, "127.0.0.1 - - ["), 1);
        assert_string_equal(read_log(p.from), "");
    }
    pair_close(&p);
}

// An answer that is cut before a byte of its content has left.
TEST(test_log_of_nothing_sent)
{
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    socket_allowance = 10;
    client_ask(p.from, &c, GET("/medium.bin"));
    pair_move(&p);
    conn_close(&p.to->loop.ctx, fixture_conn(p.to), CONN_CLOSE_TIMEOUT);
    assert_contains(read_log(p.to), "\"GET /medium.bin HTTP/1.1\" 200 0 ");
    socket_allowance = -1;
    client_close(&c);
    pair_close(&p);
}

// ---- the pair -----------------------------------------------------------------------------------

// The largest message that there can be goes over it.
TEST(test_pair_is_large_enough)
{
    static char data[HANDOFF_MAX], got[HANDOFF_MAX];
    int sockets[2], fd;
    assert_int_equal(handoff_pair(sockets), 0);
    memset(data, 'x', sizeof(data));
    assert_int_equal(fdpass_send(sockets[1], data, sizeof(data), -1), 0);
    assert_int_equal(fdpass_receive(sockets[0], got, sizeof(got), &fd), sizeof(got));
    close(sockets[0]);
    close(sockets[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_split, pair_setup),
        cmocka_unit_test_setup(test_every_cut, pair_setup),
        cmocka_unit_test_setup(test_fields, pair_setup),
        cmocka_unit_test_setup(test_requests_are_counted, pair_setup),
        cmocka_unit_test_setup(test_endings, pair_setup),
        cmocka_unit_test_setup(test_file_is_truncated, pair_setup),
        cmocka_unit_test_setup(test_impossible_times, pair_setup),
        cmocka_unit_test_setup(test_nothing_there, pair_setup),
        cmocka_unit_test_setup(test_over, pair_setup),
        cmocka_unit_test_setup(test_shorter_heads, pair_setup),
        cmocka_unit_test_setup(test_small_heads_stay_small, pair_setup),
        cmocka_unit_test_setup(test_taken_while_stopping, pair_setup),
        cmocka_unit_test_setup(test_listeners, pair_setup),
        cmocka_unit_test_setup(test_log, pair_setup),
        cmocka_unit_test_setup(test_log_of_nothing_sent, pair_setup),
        cmocka_unit_test_setup(test_pair_is_large_enough, pair_setup),
    };
    return cmocka_run_group_tests_name("handoff", tests, NULL, NULL);
}
