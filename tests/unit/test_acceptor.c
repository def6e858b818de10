#include "support/looppair.h"

#include "server/acceptor.h"

static struct fixture *open_limited(uint32_t limit)
{
    struct fixture *f = fixture_open_unstarted(NULL);
    f->shared.connection_limit = limit;
    fixture_start(f);
    return f;
}

TEST(test_limit)
{
    struct fixture *f = open_limited(2);
    struct client a = client_open(f), b = client_open(f), c = client_open(f);
    client_ask(f, &a, GET("/"));
    client_ask(f, &b, GET("/"));
    // Both are idle for too short to make room.
    client_ask(f, &c, GET("/"));
    assert_starts(c.got, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n");
    assert_true(c.eof && !c.reset);
    assert_int_equal(f->loop.ctx.slots.taken, 2);
    client_close(&c);
    // The one idle for longest makes room, and only that.
    fixture_pass_time(f, 500);
    client_ask(f, &a, GET("/"));
    fixture_pass_time(f, 600);
    c = client_open(f);
    client_ask(f, &c, GET("/hello.txt"));
    assert_string_equal(content_of(c.got), HELLO);
    client_pump(f, &b);
    assert_true(b.eof);
    client_ask(f, &a, GET("/hello.txt"));
    assert_string_equal(content_of(a.got), HELLO);
    assert_int_equal(f->loop.ctx.slots.taken, 2);
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fixture_close(f);
}

// Requests that have begun, and answers under way, never make room.
TEST(test_begun_requests_stay)
{
    struct fixture *f = open_limited(1);
    struct client a = client_open(f);
    client_ask(f, &a, GET("/") "GET / HT");
    fixture_pass_time(f, 5000);
    struct client b = client_open(f);
    assert_starts(client_ask(f, &b, GET("/")), "HTTP/1.1 503 ");
    client_ask(f, &a, "TP/1.1\r\n" HOST "\r\n");
    assert_starts(a.got, "HTTP/1.1 200 ");
    client_close(&b);
    client_close(&a);
    fixture_close(f);
}

// A request that came in the very round in which a newcomer wants room.
TEST(test_request_of_this_round_stays)
{
    struct fixture *f = open_limited(1);
    struct client a = client_open(f);
    client_ask(f, &a, GET("/"));
    fixture_clock.now += 5000;
    client_forget(&a);
    client_send(&a, GET("/hello.txt"));
    struct client b = client_open(f);
    loop_round(&f->loop); // its events, in the order in which they came
    client_pump(f, &a);
    assert_starts(a.got, "HTTP/1.1 200 ");
    client_pump(f, &b);
    assert_starts(b.got, "HTTP/1.1 503 ");
    client_close(&a);
    client_close(&b);
    fixture_close(f);
}

// Many listeners and many connections that are all ready in one round.
TEST(test_busiest_round)
{
    struct client open[60], waiting[16][16];
    struct fixture *f = fixture_open_unstarted(NULL);
    f->shared.connection_limit = 1000;
    for (size_t i = 1; i < ARRAY_SIZE(f->listeners); i++)
        f->listeners[i] = fixture_listen();
    f->served.listener_count = ARRAY_SIZE(f->listeners);
    fixture_start(f);
    for (size_t i = 0; i < ARRAY_SIZE(open); i++)
        open[i] = client_open(f);
    fixture_await(f, ARRAY_SIZE(open));
    for (size_t i = 0; i < ARRAY_SIZE(waiting); i++)
        for (size_t j = 0; j < ARRAY_SIZE(waiting[i]); j++)
            waiting[i][j] = client_open_at(f, i);
    for (size_t i = 0; i < ARRAY_SIZE(open); i++)
        client_send(&open[i], GET("/hello.txt"));
    fixture_round(f);
    assert_true(f->loop.ctx.ready.count <= CONTEXT_READY);
    fixture_await(f, ARRAY_SIZE(open) + 256);
    for (size_t i = 0; i < ARRAY_SIZE(open); i++) {
        for (int tries = 0; tries < 100 && open[i].len == 0; tries++)
            client_pump(f, &open[i]);
        assert_string_equal(content_of(open[i].got), HELLO);
        client_close(&open[i]);
    }
    for (size_t i = 0; i < 256; i++)
        client_close(&waiting[i / 16][i % 16]);
    fixture_await(f, 0);
    fixture_close(f);
}

// Without descriptors newcomers hear that there is no room; who is open is served.
TEST(test_no_descriptors)
{
    struct fixture *f = fixture_open(NULL);
    struct client a = client_open(f);
    client_ask(f, &a, GET("/"));
    struct client b = client_open(f);
    client_send(&b, GET("/"));
    int spare = open("/", O_PATH);
    close(spare);
    limit_descriptors((rlim_t)spare); // as many as there are
    for (int i = 0; i < 3; i++)
        fixture_round(f);
    assert_int_equal(f->loop.ctx.slots.taken, 1);
    client_pump(f, &b); // over the descriptor that is kept for this
    assert_starts(b.got, "HTTP/1.1 503 ");
    assert_true(b.eof && !b.reset);
    assert_int_equal(f->served.scoreboard.places[0].slots[0].turned_away, 1);
    assert_string_equal(content_of(client_ask(f, &a, GET("/"))), "<p>index\n");
    limit_descriptors(0);
    client_close(&b);
    b = client_open(f);
    assert_starts(client_ask(f, &b, GET("/")), "HTTP/1.1 200 ");
    client_close(&a);
    client_close(&b);
    fixture_close(f);
}

// Without descriptors, but nobody waits for one: nobody has to make room.
TEST(test_no_descriptors_and_nobody_there)
{
    struct fixture *f = fixture_open(NULL);
    struct client a = client_open(f);
    client_ask(f, &a, GET("/"));
    int spare = open("/", O_PATH);
    close(spare);
    limit_descriptors((rlim_t)spare);
    for (int i = 0; i < 5; i++)
        fixture_pass_time(f, 2000);
    limit_descriptors(0);
    assert_int_equal(f->loop.ctx.slots.taken, 1);
    assert_starts(client_ask(f, &a, GET("/")), "HTTP/1.1 200 ");
    client_close(&a);
    fixture_close(f);
}

static bool is_registered(const struct fixture *f)
{
    return CONTAINER_OF(f->loop.acceptors.list.next, struct acceptor, link)->registered;
}

TEST(test_start_and_stop)
{
    struct fixture *f = fixture_open(NULL);
    assert_true(is_registered(f));
    acceptor_stop(&f->loop.acceptors);
    acceptor_stop(&f->loop.acceptors);
    assert_false(is_registered(f));
    acceptor_start(&f->loop.acceptors);
    acceptor_start(&f->loop.acceptors);
    assert_true(is_registered(f));
    struct client c = client_open(f);
    fixture_await(f, 1);
    client_close(&c);
    fixture_close(f);
}

// A loop that holds more than its share takes one and lets others go first.
TEST(test_over_share)
{
    struct client clients[12];
    struct fixture *f = fixture_open_unstarted(NULL);
    scoreboard_cleanup(&f->served.scoreboard);
    assert_int_equal(scoreboard_init(&f->served.scoreboard, 4, 1), 0);
    for (size_t i = 2; i < 4; i++)
        f->served.scoreboard.places[i].slots->phase = SCOREBOARD_SERVING;
    fixture_start(f);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        clients[i] = client_open(f);
    fixture_round(f);
    uint32_t first = f->loop.ctx.slots.taken;
    assert_true(first < ARRAY_SIZE(clients));
    fixture_round(f);
    assert_int_equal(f->loop.ctx.slots.taken, first + 1);
    f->served.scoreboard.places[1].slots->connections = 1000;
    fixture_round(f);
    assert_int_equal(f->loop.ctx.slots.taken, first + 2); // they do not accept
    f->served.scoreboard.places[1].slots->phase =
        SCOREBOARD_SERVING; // others hold more: it takes all it can
    fixture_round(f);
    fixture_await(f, ARRAY_SIZE(clients));
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        client_close(&clients[i]);
    fixture_close(f);
}

// ---- taking what is handed over -----------------------------------------------------------------

// Without descriptors nothing is taken, nothing is lost, and nobody has to make room.
TEST(test_handed_without_descriptors)
{
    struct pair p = pair_open();
    struct client old = client_open(p.to), c = client_open(p.from), large = client_open(p.from);
    client_ask(p.to, &old, GET("/hello.txt"));
    client_ask(p.from, &c, GET("/hello.txt"));
    socket_allowance = 1000;
    client_ask(p.from, &large, GET("/large.bin"));
    fixture_clock.now += 5000; // so long idle that it would make room for a newcomer
    loop_poke(&p.from->loop, LOOP_HANDING);
    fixture_round(p.from);
    assert_int_equal(p.from->loop.ctx.slots.taken, 0);
    int lowest = dup(0);
    close(lowest);
    for (int spare = 0; spare < 3; spare++) {
        limit_descriptors((rlim_t)(lowest + spare));
        assert_int_equal(handoff_take(&p.to->loop.ctx, p.sockets[0]), HANDOFF_SHORTAGE);
        for (int i = 0; i < 5; i++)
            fixture_pass_time(p.to, 200);
        assert_int_equal(p.to->loop.ctx.slots.taken, 1);
    }
    limit_descriptors(0);
    fixture_pass_time(p.to, 200);
    fixture_await(p.to, 3);
    socket_allowance = -1;
    client_pump(p.to, &large);
    assert_pattern(content_of(large.got), LARGE);
    assert_string_equal(content_of(client_ask(p.to, &c, GET("/hello.txt"))), HELLO);
    assert_string_equal(content_of(client_ask(p.to, &old, GET("/hello.txt"))), HELLO);
    client_close(&c);
    client_close(&large);
    client_close(&old);
    pair_close(&p);
}

// A connection on its way survives the death of its receiver.
TEST(test_receiver_dies)
{
    struct client clients[5];
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_open(p.from);
        client_ask(p.from, &clients[i], GET("/hello.txt") "GET /hello.txt");
    }
    loop_poke(&p.from->loop, LOOP_HANDING);
    fixture_round(p.from);
    assert_int_equal(p.from->loop.ctx.slots.taken, 0);
    loop_cleanup(&p.to->loop); // it had them before its eyes
    fixture_start(p.to);
    pair_connect(&p);
    fixture_await(p.to, ARRAY_SIZE(clients));
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        client_ask(p.to, &clients[i], " HTTP/1.1\r\n" HOST "\r\n");
        assert_string_equal(content_of(clients[i].got), HELLO);
        client_close(&clients[i]);
    }
    pair_close(&p);
}

// Nobody else may have the other end: a loop that is told to end takes what is there already.
TEST(test_takes_what_is_on_its_way)
{
    struct client clients[5];
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_open(p.from);
        client_ask(p.from, &clients[i], GET("/hello.txt") "GET /hello.txt");
    }
    loop_poke(&p.from->loop, LOOP_HANDING);
    fixture_round(p.from);
    loop_poke(&p.to->loop, LOOP_RETIRING);
    fixture_round(p.to);
    fixture_round(p.to);
    assert_int_equal(p.to->served.scoreboard.places[0].slots->taken, ARRAY_SIZE(clients));
    assert_int_equal(p.to->stopped_accepting, 1);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        client_ask(p.to, &clients[i], " HTTP/1.1\r\n" HOST "\r\n");
        assert_string_equal(content_of(clients[i].got), HELLO);
        client_close(&clients[i]);
    }
    pair_close(&p);
}

// More than the limit allows newcomers: all are taken, and newcomers hear that there is no room.
TEST(test_over_the_limit)
{
    struct client clients[6];
    struct pair p = pair_open();
    p.to->shared.connection_limit = 3;
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = client_open(p.from);
        client_ask(p.from, &clients[i], GET("/hello.txt"));
    }
    loop_poke(&p.from->loop, LOOP_HANDING);
    pair_rounds(&p, 3);
    fixture_await(p.to, ARRAY_SIZE(clients));
    struct client newcomer = client_open(p.to);
    client_ask(p.to, &newcomer, GET("/"));
    assert_starts(newcomer.got, "HTTP/1.1 503 ");
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        assert_string_equal(content_of(client_ask(p.to, &clients[i], GET("/hello.txt"))), HELLO);
        client_close(&clients[i]);
    }
    client_close(&newcomer);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_begun_requests_stay),
        cmocka_unit_test(test_request_of_this_round_stays),
        cmocka_unit_test(test_busiest_round),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_no_descriptors_and_nobody_there),
        cmocka_unit_test(test_start_and_stop),
        cmocka_unit_test(test_over_share),
        cmocka_unit_test_setup(test_handed_without_descriptors, pair_setup),
        cmocka_unit_test_setup(test_receiver_dies, pair_setup),
        cmocka_unit_test_setup(test_takes_what_is_on_its_way, pair_setup),
        cmocka_unit_test_setup(test_over_the_limit, pair_setup),
    };
    return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
