#include "support/loopfixture.h"

#include <pthread.h>

// ---- rounds -------------------------------------------------------------------------------------

// A connection that waits for its client is told from one whose request is worked on.
TEST(test_in_flight)
{
    struct fixture *f = fixture_open_unstarted(NULL);
    const struct inflight *flights = f->served.scoreboard.places[0].notes->inflight.entries;
    const int small = 8192;
    setsockopt(f->listeners[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    fixture_start(f);
    struct client c = client_open(f);
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    fixture_await(f, 1);
    client_send(&c, GET("/hello.txt") GET("/large.bin"));
    for (struct wait w = {0}; fixture_conn(f)->state != CONN_SEND && wait_on(&w);)
        fixture_round(f);
    assert_int_equal(fixture_conn(f)->state, CONN_SEND);
    assert_false(flights[0].is_used);
    assert_true(flights[1].is_used);
    assert_memory_equal(flights[1].line, "GET /large.bin HTTP/1.1\r\n", 25);
    assert_memory_equal(&flights[1].peer, &fixture_conn(f)->client, sizeof(flights[1].peer));
    client_close(&c);
    fixture_await(f, 0);
    for (size_t i = 0; i < INFLIGHT_MAX; i++)
        assert_false(flights[i].is_used);
    fixture_close(f);
}

static uint64_t rounds_of(const struct scoreboard_slot *slot)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < COUNTERS_ROUNDS_COUNT; i++)
        sum += slot->rounds[i];
    return sum;
}

TEST(test_figures)
{
    struct fixture *f = fixture_open(NULL);
    struct scoreboard_slot *slot = f->served.scoreboard.places[0].slots;
    struct scoreboard_notes *notes = f->served.scoreboard.places[0].notes;
    struct client a = client_open(f), b = client_open(f);
    assert_int_equal(slot->phase, SCOREBOARD_SERVING);
    client_ask(f, &a, GET("/") GET("/none"));
    uint64_t beat = notes->beat, rounds = rounds_of(slot);
    fixture_round(f);
    assert_true(notes->beat > beat);
    assert_int_equal(rounds_of(slot), rounds + 1);
    assert_int_equal(slot->connections, 2);
    assert_int_equal(notes->waiting[DEADLINE_IDLE], 1);
    assert_int_equal(notes->waiting[DEADLINE_FIRST], 1);
    assert_int_equal(slot->answers[1], 1);
    assert_int_equal(slot->answers[3], 1);
    assert_int_equal(slot->sent, a.len);
    assert_int_equal(slot->accepted, 2);
    assert_int_equal(slot->requests, 2);
    client_close(&a);
    fixture_await(f, 1);
    assert_int_equal(slot->connections, 1);
    assert_int_equal(notes->waiting[DEADLINE_IDLE], 0);
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

// An answer is no older than its request, also for a file that was sent a moment ago.
TEST(test_fresh)
{
    char text[32];
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
TEST(test_many_connections)
{
    struct client clients[90];
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
TEST(test_log_is_written)
{
    char path[PATH_MAX], text[1000];
    struct fixture *f = fixture_open_unstarted(NULL);
    f->served.access_log = open(tempdir_path(&f->dir, "log", path), O_WRONLY | O_CREAT, 0600);
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
    assert_int_equal(f->loop.ctx.phase, phase);
}

// Whether somebody who connects now is accepted.
static bool accepts(struct fixture *f)
{
    uint64_t before = f->served.scoreboard.places[0].slots[0].accepted;
    struct client c = client_open(f);
    for (int i = 0; i < 5; i++)
        fixture_round(f);
    bool accepted = f->served.scoreboard.places[0].slots[0].accepted > before;
    client_close(&c);
    for (int i = 0; i < 5; i++)
        fixture_round(f);
    return accepted;
}

TEST(test_retire)
{
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
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    assert_int_equal(f->loop.cut, 0);
    assert_int_equal(f->stopped_accepting, 1);
    loop_run(&f->loop); // has nothing to do any more
    assert_false(accepts(f));
    fixture_close(f);
}

TEST(test_stop)
{
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
TEST(test_cut)
{
    const int small = 4096;
    struct fixture *f = fixture_open("timeouts.drain", "3s", NULL);
    setsockopt(f->listeners[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    struct client slow[2] = {client_open(f), client_open(f)}, begun = client_open(f);
    for (size_t i = 0; i < 2; i++)
        client_send(&slow[i], GET("/large.bin"));
    client_send(&begun, "GET / HT");
    fixture_await(f, 3);
    begin(f, LOOP_RETIRING);
    fixture_pass_time(f, 2999);
    assert_int_equal(f->loop.ctx.slots.taken, 3);
    fixture_pass_time(f, 1);
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    assert_int_equal(f->loop.cut, 2);
    for (size_t i = 0; i < 2; i++)
        client_close(&slow[i]);
    client_close(&begun);
    fixture_close(f);
}

TEST(test_stop_after_retire)
{
    struct fixture *f = fixture_open("timeouts.drain", "0", NULL);
    struct client c = client_open(f);
    client_ask(f, &c, GET("/"));
    begin(f, LOOP_RETIRING);
    begin(f, LOOP_STOPPING);
    assert_int_equal(f->stopped_accepting, 1);    // once
    assert_int_equal(f->loop.ctx.slots.taken, 0); // no time to drain at all
    client_close(&c);
    fixture_close(f);
}

// ---- in a thread --------------------------------------------------------------------------------

static void *run(void *loop)
{
    loop_run(loop);
    return NULL;
}

TEST(test_thread)
{
    pthread_t thread;
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
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    assert_int_equal(f->stopped_accepting, 1);
    loop_cleanup(&f->loop);
    fixture_free(f);
}

TEST(test_no_leak)
{
    size_t before = count_fds();
    struct fixture *f = fixture_open(NULL);
    struct client c = client_open(f);
    client_ask(f, &c, GET("/large.bin"));
    client_close(&c);
    fixture_close(f);
    assert_int_equal(count_fds(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_flight),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_log_is_written),
        cmocka_unit_test(test_retire),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_stop_after_retire),
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_no_leak),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
