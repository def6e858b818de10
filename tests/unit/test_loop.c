#include "looppair.h"

#include <pthread.h>

#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"

// ---- rounds -------------------------------------------------------------------------------------

static void test_slots(void **state)
{
    struct conn *taken[200];
    (void)state;
    struct fixture *f = fixture_open(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        taken[i] = loop_take_slot(&f->loop);
        assert_non_null(taken[i]);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(taken[i], taken[j]);
    }
    assert_int_equal(f->loop.connections, 200);
    assert_int_equal(f->scoreboard.slots[0].connections, 200);
    size_t chunks = f->loop.chunk_count;
    loop_give_slot(&f->loop, taken[0]);
    assert_ptr_not_equal(loop_take_slot(&f->loop), taken[0]); // not before the round has ended
    for (size_t i = 1; i < ARRAY_SIZE(taken); i++)
        loop_give_slot(&f->loop, taken[i]);
    fixture_round(f);
    for (size_t i = 1; i < ARRAY_SIZE(taken); i++)
        loop_take_slot(&f->loop);
    assert_int_equal(f->loop.chunk_count, chunks);
    f->loop.connections = 0;
    fixture_close(f);
}

// What waits for its client is told from what is done.
static void test_in_flight(void **state)
{
    (void)state;
    struct fixture *f = fixture_open_unstarted(NULL);
    const struct flight *flights = f->scoreboard.slots[0].flights.entries;
    const int small = 8192;
    setsockopt(f->listeners[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fixture_start(f);
    struct client c = client_open(f);
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    fixture_await(f, 1);
    client_send(&c, GET("/hello.txt") GET("/large.bin"));
    for (int i = 0; i < 100 && fixture_conn(f)->state != CONN_SEND; i++)
        fixture_round(f);
    assert_int_equal(fixture_conn(f)->state, CONN_SEND);
    assert_false(flights[0].is_used);
    assert_true(flights[1].is_used);
    assert_memory_equal(flights[1].line, "GET /large.bin HTTP/1.1\r\n", 25);
    assert_memory_equal(&flights[1].peer, &fixture_conn(f)->peer, sizeof(flights[1].peer));
    client_close(&c);
    fixture_await(f, 0);
    for (size_t i = 0; i < FLIGHTS_MAX; i++)
        assert_false(flights[i].is_used);
    fixture_close(f);
}

static uint64_t rounds_of(const struct scoreboard_slot *slot)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < SCOREBOARD_ROUND_CLASSES; i++)
        sum += slot->rounds[i];
    return sum;
}

static void test_figures(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct scoreboard_slot *slot = &f->scoreboard.slots[0];
    struct client a = client_open(f), b = client_open(f);
    assert_int_equal(slot->phase, SCOREBOARD_SERVING);
    client_ask(f, &a, GET("/") GET("/none"));
    uint64_t beat = slot->beat, rounds = rounds_of(slot);
    fixture_round(f);
    assert_true(slot->beat > beat);
    assert_int_equal(rounds_of(slot), rounds + 1);
    assert_int_equal(slot->connections, 2);
    assert_int_equal(slot->waiting[DEADLINE_IDLE], 1);
    assert_int_equal(slot->waiting[DEADLINE_HEAD], 1);
    assert_int_equal(slot->answers[1], 1);
    assert_int_equal(slot->answers[3], 1);
    assert_int_equal(slot->sent, a.len);
    assert_int_equal(slot->accepted, 2);
    assert_int_equal(slot->requests, 2);
    client_close(&a);
    fixture_await(f, 1);
    assert_int_equal(slot->connections, 1);
    assert_int_equal(slot->waiting[DEADLINE_IDLE], 0);
    assert_int_equal(slot->accepted, 2);
    client_close(&b);
    fixture_await(f, 0);
    loop_poke(&f->loop, LOOP_RETIRING);
    fixture_round(f);
    assert_int_equal(slot->phase, SCOREBOARD_LEAVING);
    loop_run(&f->loop);
    assert_int_equal(slot->phase, SCOREBOARD_ENDED);
    fixture_close(f);
}

static void test_common(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    fixture_clock.wall_s = 784111777;
    fixture_round(f);
    assert_slice(loop_common(&f->loop), "Server: tined\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    fixture_pass_time(f, 1000);
    assert_slice(loop_common(&f->loop), "Server: tined\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    fixture_close(f);
}

// An answer is no older than its request, also for a file that was sent a moment ago.
static void test_fresh(void **state)
{
    char text[32];
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    for (int i = 0; i < 20; i++) {
        snprintf(text, sizeof(text), "number %d\n", i);
        tempdir_puts(&f->dir, "hello.txt", text);
        assert_string_equal(content_of(client_ask(f, &c, GET("/hello.txt"))), text);
    }
    client_close(&c);
    fixture_close(f);
}

// Each of many clients gets its own answer, in rounds that handle some of them at a time.
static void test_many_connections(void **state)
{
    struct client clients[90];
    (void)state;
    struct fixture *f = fixture_open(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_open(f);
        client_send(&clients[i], i % 2 ? GET("/hello.txt") : GET("/"));
    }
    fixture_await(f, ARRAY_SIZE(clients));
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        client_pump(f, &clients[i]);
        assert_string_equal(content_of(clients[i].got), i % 2 ? HELLO : "<p>index\n");
        client_close(&clients[i]);
    }
    fixture_await(f, 0);
    fixture_close(f);
}

// The log goes to its file about a second late, without anything else happening.
static void test_log_is_written(void **state)
{
    char path[PATH_MAX], text[1000];
    (void)state;
    struct fixture *f = fixture_open_unstarted(NULL);
    f->service.access_log = open(tempdir_path(&f->dir, "log", path), O_WRONLY | O_CREAT, 0600);
    fixture_start(f);
    struct client c = client_open(f);
    client_ask(f, &c, GET("/"));
    fixture_pass_time(f, 999);
    assert_int_equal(tempdir_read(&f->dir, "log", text, sizeof(text)), 0);
    fixture_pass_time(f, 1);
    assert_true(tempdir_read(&f->dir, "log", text, sizeof(text)) > 0);
    client_ask(f, &c, GET("/"));
    client_close(&c);
    fixture_stop(f);
    tempdir_read(&f->dir, "log", text, sizeof(text)); // the rest goes at the end
    assert_int_equal(count_text(text, "\n"), 2);
    fixture_free(f);
}

// ---- phases -------------------------------------------------------------------------------------

static void begin(struct fixture *f, enum loop_phase phase)
{
    loop_poke(&f->loop, phase);
    fixture_round(f);
    assert_int_equal(f->loop.phase, phase);
}

// Whether somebody who connects now is accepted.
static bool accepts(struct fixture *f)
{
    uint64_t before = f->scoreboard.slots[0].accepted;
    struct client c = client_open(f);
    for (int i = 0; i < 5; i++)
        fixture_round(f);
    bool accepted = f->scoreboard.slots[0].accepted > before;
    client_close(&c);
    for (int i = 0; i < 5; i++)
        fixture_round(f);
    return accepted;
}

static void test_retire(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client idle = client_open(f), late = client_open(f), sending = client_open(f);
    struct client begun = client_open(f);
    client_ask(f, &idle, GET("/"));
    client_ask(f, &late, GET("/"));
    client_send(&sending, GET("/large.bin"));
    client_ask(f, &begun, "GET / HTTP/1.1\r\n");
    assert_int_equal(f->stopped_accepting, 0);
    begin(f, LOOP_RETIRING);
    assert_int_equal(f->stopped_accepting, 1); // at once: others accept
    fixture_pass_time(f, 249);
    client_pump(f, &idle);
    assert_false(idle.eof);
    // A request that was on its way is answered, and the answer says that it is the last.
    client_ask(f, &late, GET("/hello.txt"));
    assert_contains(late.got, "Connection: close\r\n");
    assert_string_equal(content_of(late.got), HELLO);
    assert_true(late.eof && !late.reset);
    fixture_pass_time(f, 1);
    client_pump(f, &idle);
    assert_true(idle.eof && !idle.reset);
    client_pump(f, &sending);
    assert_pattern(content_of(sending.got), LARGE);
    client_ask(f, &begun, HOST "\r\n");
    assert_contains(begun.got, "Connection: close\r\n");
    assert_true(begun.eof);
    client_close(&idle);
    client_close(&late);
    client_close(&sending);
    client_close(&begun);
    fixture_pass_time(f, 2000);
    assert_int_equal(f->loop.connections, 0);
    assert_int_equal(f->loop.cut, 0);
    assert_int_equal(f->stopped_accepting, 1);
    loop_run(&f->loop); // has nothing to do any more
    assert_false(accepts(f));
    fixture_close(f);
}

static void test_stop(void **state)
{
    (void)state;
    struct fixture *f = fixture_open(NULL);
    begin(f, LOOP_STOPPING);
    assert_int_equal(f->stopped_accepting, 0);
    assert_true(accepts(f)); // TCP_DEFER_ACCEPT may have kept it from us
    struct client c = client_open(f);
    client_ask(f, &c, GET("/"));
    assert_contains(c.got, "Connection: close\r\n");
    client_close(&c);
    fixture_pass_time(f, 1199);
    assert_int_equal(f->stopped_accepting, 0);
    struct client silent = client_open(f), asking = client_open(f);
    client_send(&asking, GET("/hello.txt"));
    fixture_pass_time(f, 1); // what is queued is taken with it
    assert_int_equal(f->stopped_accepting, 1);
    client_pump(f, &asking);
    assert_string_equal(content_of(asking.got), HELLO);
    fixture_pass_time(f, 250);
    client_pump(f, &silent);
    assert_true(silent.eof && !silent.reset);
    assert_false(accepts(f));
    client_close(&silent);
    client_close(&asking);
    fixture_await(f, 0);
    assert_int_equal(f->loop.cut, 0);
    fixture_close(f);
}

// At timeouts.drain the rest is cut; what cuts an answer is counted.
static void test_cut(void **state)
{
    const int small = 4096;
    (void)state;
    struct fixture *f = fixture_open("timeouts.drain", "3s", NULL);
    setsockopt(f->listeners[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    struct client slow[2] = {client_open(f), client_open(f)}, begun = client_open(f);
    for (size_t i = 0; i < 2; i++)
        client_send(&slow[i], GET("/large.bin"));
    client_send(&begun, "GET / HT");
    fixture_await(f, 3);
    begin(f, LOOP_RETIRING);
    fixture_pass_time(f, 2999);
    assert_int_equal(f->loop.connections, 3);
    fixture_pass_time(f, 1);
    assert_int_equal(f->loop.connections, 0);
    assert_int_equal(f->loop.cut, 2);
    for (size_t i = 0; i < 2; i++)
        client_close(&slow[i]);
    client_close(&begun);
    fixture_close(f);
}

static void test_stop_after_retire(void **state)
{
    (void)state;
    struct fixture *f = fixture_open("timeouts.drain", "0", NULL);
    struct client c = client_open(f);
    client_ask(f, &c, GET("/"));
    begin(f, LOOP_RETIRING);
    begin(f, LOOP_STOPPING);
    assert_int_equal(f->stopped_accepting, 1); // once
    assert_int_equal(f->loop.connections, 0);  // no time to drain at all
    client_close(&c);
    fixture_close(f);
}

// ---- in a thread --------------------------------------------------------------------------------

static void *run(void *loop)
{
    loop_run(loop);
    return NULL;
}

static void test_thread(void **state)
{
    pthread_t thread;
    (void)state;
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    assert_int_equal(pthread_create(&thread, NULL, run, &f->loop), 0);
    client_send(&c, "GET /hello.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    for (int i = 0; i < 10000 && !c.eof; i++) {
        struct pollfd p = {.fd = c.fd, .events = POLLIN};
        poll(&p, 1, 1000);
        client_take(&c, 1000);
    }
    assert_string_equal(content_of(c.got), HELLO);
    client_close(&c);
    loop_poke(&f->loop, LOOP_RETIRING);
    pthread_join(thread, NULL);
    assert_int_equal(f->loop.connections, 0);
    assert_int_equal(f->stopped_accepting, 1);
    loop_cleanup(&f->loop);
    fixture_free(f);
}

static void test_no_leak(void **state)
{
    (void)state;
    size_t before = count_fds();
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    client_ask(f, &c, GET("/large.bin"));
    client_close(&c);
    fixture_close(f);
    assert_int_equal(count_fds(), before);
}

// ---- handing over -------------------------------------------------------------------------------

// A deadline neither begins anew nor stands before one that is earlier.
static void test_deadlines_are_carried_on(void **state)
{
    (void)state;
    struct pair p = pair_open();
    const int64_t began = fixture_clock.now;
    struct client a = client_open(p.from), b, half, other;
    client_ask(p.from, &a, GET("/hello.txt"));
    fixture_clock.now = began + 1000;
    other = client_open(p.to);
    client_ask(p.to, &other, GET("/hello.txt"));
    fixture_clock.now = began + 2000;
    b = client_open(p.from);
    client_ask(p.from, &b, GET("/hello.txt"));
    half = client_open(p.from);
    client_ask(p.from, &half, "GET /");
    fixture_clock.now = began + 9000;
    loop_poke(&p.from->loop, LOOP_HANDING);
    pair_rounds(&p, 3);
    assert_int_equal(p.to->loop.connections, 4);
    assert_ordered(&p.to->loop);
    fixture_pass_time(p.to, 2999); // 11999: 10 s for a head
    client_pump(p.to, &half);
    assert_false(half.eof);
    fixture_pass_time(p.to, 1);
    client_pump(p.to, &half);
    assert_starts(half.got, "HTTP/1.1 408 ");
    fixture_clock.now = began + 59999;
    fixture_round(p.to);
    client_pump(p.to, &a);
    assert_false(a.eof);
    struct client *order[] = {&a, &other, &b};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        fixture_clock.now = began + 60000 + (int64_t)i * 1000;
        fixture_round(p.to);
        for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
            client_pump(p.to, order[j]);
            assert_int_equal(order[j]->eof, j <= i);
        }
    }
    client_close(&a);
    client_close(&b);
    client_close(&half);
    client_close(&other);
    pair_close(&p);
}

// A request that comes in the very round in which the connection goes.
static void test_ready_in_the_same_round(void **state)
{
    (void)state;
    struct pair p = pair_open();
    struct client c = client_open(p.from), fresh;
    client_ask(p.from, &c, GET("/hello.txt"));
    client_forget(&c);
    client_send(&c, GET("/") "GET /hel");
    fresh = client_open(p.from); // accepted or not: it stays in the queue of the listener
    loop_poke(&p.from->loop, LOOP_HANDING);
    fixture_round(p.from);
    pair_rounds(&p, 2);
    client_take(&c, 1000);
    assert_string_equal(content_of(c.got), "<p>index\n");
    assert_string_equal(content_of(client_ask(p.to, &c, "lo.txt HTTP/1.1\r\n" HOST "\r\n")), HELLO);
    assert_int_equal(p.from->loop.connections, 0);
    client_close(&c);
    client_close(&fresh);
    pair_close(&p);
}

// What cannot be moved is finished where it is, and moves then.
static void test_what_stays(void **state)
{
    (void)state;
    struct pair p = pair_open();
    struct client body = client_open(p.from), ranges = client_open(p.from),
                  linger = client_open(p.from);
    client_ask(p.from, &body, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n12345");
    client_ask(p.from, &linger, "nonsense\r\n\r\n");
    assert_true(linger.eof);
    allowance = 1000;
    client_ask(p.from, &ranges,
               "GET /large.bin HTTP/1.1\r\n" HOST "Range: bytes=0-99999,200000-399999\r\n\r\n");
    assert_int_equal(p.from->loop.connections, 3);
    loop_poke(&p.from->loop, LOOP_HANDING);
    pair_rounds(&p, 3);
    assert_int_equal(p.from->loop.connections, 3);
    allowance = -1;
    client_pump(p.from, &ranges);
    assert_int_equal(p.from->loop.connections, 2);
    assert_int_equal(count_text(ranges.got, "Content-Range: "), 2);
    assert_contains(ranges.got + ranges.len - 20, "--\r\n");
    client_ask(p.to, &ranges, GET("/hello.txt"));
    assert_string_equal(content_of(ranges.got), HELLO);
    client_send(&body, "67890");
    pair_rounds(&p, 3);
    client_take(&body, 1000);
    assert_starts(body.got, "HTTP/1.1 405 ");
    assert_int_equal(p.from->loop.connections, 1);
    client_ask(p.to, &body, GET("/hello.txt"));
    assert_string_equal(content_of(body.got), HELLO);
    client_close(&linger);
    fixture_await(p.from, 0);
    client_close(&body);
    client_close(&ranges);
    pair_close(&p);
}

// When nobody takes them they are served on, and go later; not one is lost.
static void test_nobody_takes_them(void **state)
{
    enum { COUNT = 60 };
    struct client clients[COUNT];
    (void)state;
    struct pair p = pair_open();
    pair_narrow(&p, 1); // the least there can be
    for (size_t i = 0; i < COUNT; i++) {
        clients[i] = client_open(p.from);
        client_ask(p.from, &clients[i], i % 3 ? GET("/hello.txt") : "GET /hello.txt");
    }
    loop_poke(&p.from->loop, LOOP_HANDING);
    fixture_round(p.from);
    assert_true(p.from->loop.handoff_full);
    uint32_t left = p.from->loop.connections;
    assert_true(left > 0 && left < COUNT);
    for (int i = 0; i < 5; i++) // nobody takes them: nothing changes
        fixture_round(p.from);
    assert_int_equal(p.from->loop.connections, left);
    // Who is still there is answered there.
    size_t answered = 0;
    for (size_t i = 0; i < COUNT; i++) {
        client_ask(p.from, &clients[i], i % 3 ? GET("/") : " HTTP/1.1\r\n" HOST "\r\n");
        answered += clients[i].len > 0;
    }
    assert_int_equal(answered, left);
    for (int i = 0; i < 10 * COUNT && p.from->loop.connections; i++)
        pair_rounds(&p, 1);
    fixture_await(p.to, COUNT);
    assert_false(p.from->loop.handoff_full);
    assert_ordered(&p.to->loop);
    for (size_t i = 0; i < COUNT; i++) {
        client_pump(p.to, &clients[i]);
        assert_starts(clients[i].got, "HTTP/1.1 200 ");
        assert_string_equal(content_of(client_ask(p.to, &clients[i], GET("/hello.txt"))), HELLO);
        client_close(&clients[i]);
    }
    pair_close(&p);
}

// A message that does not fit at all waits until it has become shorter.
static void test_too_large_to_hand_over(void **state)
{
    static char head[9000];
    (void)state;
    struct pair p = pair_open();
    pair_narrow(&p, 1);
    struct client c = client_open(p.from);
    struct buf b = buf_make(head, sizeof(head));
    buf_puts(&b, "GET /hello.txt HTTP/1.1\r\n" HOST "X: ");
    while (b.len < 8000)
        buf_putc(&b, 'x');
    client_send_bytes(&c, b.data, b.len);
    fixture_await(p.from, 1);
    loop_poke(&p.from->loop, LOOP_HANDING);
    pair_rounds(&p, 5);
    assert_int_equal(p.from->loop.connections, 1);
    assert_false(p.from->loop.handoff_full);
    client_send(&c, "\r\n\r\n");
    pair_rounds(&p, 3);
    client_pump(p.to, &c);
    assert_string_equal(content_of(c.got), HELLO);
    assert_int_equal(p.from->loop.connections, 0);
    assert_int_equal(p.to->loop.connections, 1);
    client_close(&c);
    pair_close(&p);
}

// The one that was not taken cannot be heard of again: it is closed, and the others go on.
static void test_poller_is_full(void **state)
{
    struct client clients[40];
    (void)state;
    struct pair p = pair_open();
    pair_narrow(&p, 1);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_open(p.from);
        client_ask(p.from, &clients[i], GET("/hello.txt"));
    }
    loop_poke(&p.from->loop, LOOP_HANDING);
    poller_is_full = true;
    fixture_round(p.from);
    poller_is_full = false;
    assert_int_equal(p.from->loop.slot->closed[CONN_CLOSE_MEMORY], 1);
    uint64_t handed = p.from->loop.slot->closed[CONN_CLOSE_HANDED];
    assert_int_equal(p.from->loop.connections + handed + 1, ARRAY_SIZE(clients));
    // And the one that was taken cannot be heard of there.
    poller_is_full = true;
    assert_int_equal(handoff_take(&p.to->loop, p.sockets[0]), HANDOFF_LOST);
    poller_is_full = false;
    pair_rounds(&p, 20);
    for (int i = 0; i < 100 && p.from->loop.connections; i++)
        pair_rounds(&p, 1);
    fixture_await(p.to, ARRAY_SIZE(clients) - 2);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        client_close(&clients[i]);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_log_is_written),
        cmocka_unit_test(test_retire),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_stop_after_retire),
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_no_leak),
        cmocka_unit_test_setup(test_deadlines_are_carried_on, pair_setup),
        cmocka_unit_test_setup(test_ready_in_the_same_round, pair_setup),
        cmocka_unit_test_setup(test_what_stays, pair_setup),
        cmocka_unit_test_setup(test_nobody_takes_them, pair_setup),
        cmocka_unit_test_setup(test_too_large_to_hand_over, pair_setup),
        cmocka_unit_test_setup(test_poller_is_full, pair_setup),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
