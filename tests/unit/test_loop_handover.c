// Loops that hand over their connections, and take those of others.
#include "support/looppair.h"

// A deadline neither begins anew nor stands before one that is earlier.
TEST(test_deadlines_are_carried_on)
{
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
    assert_int_equal(p.to->loop.ctx.slots.taken, 4);
    assert_ordered(&p.to->loop);
    fixture_pass_time(p.to, 2999); // 11999: 10 s for a head
    client_pump(p.to, &half);
    assert_false(half.eof);
    fixture_pass_time(p.to, 1);
    client_pump(p.to, &half);
    assert_starts(half.got, "HTTP/1.1 408 ");
    fixture_clock.now = began + 74999;
    fixture_round(p.to);
    client_pump(p.to, &a);
    assert_false(a.eof);
    struct client *order[] = {&a, &other, &b};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        fixture_clock.now = began + 75000 + (int64_t)i * 1000;
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
TEST(test_ready_in_the_same_round)
{
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
    assert_int_equal(p.from->loop.ctx.slots.taken, 0);
    client_close(&c);
    client_close(&fresh);
    pair_close(&p);
}

// A connection that cannot be moved now is finished where it is, and moves then.
TEST(test_what_stays)
{
    struct pair p = pair_open();
    struct client body = client_open(p.from), ranges = client_open(p.from),
                  linger = client_open(p.from);
    client_ask(p.from, &body, "POST / HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n12345");
    client_ask(p.from, &linger, "nonsense\r\n\r\n");
    assert_true(linger.eof);
    socket_allowance = 1000;
    client_ask(p.from, &ranges,
               "GET /large.bin HTTP/1.1\r\n" HOST "Range: bytes=0-99999,200000-399999\r\n\r\n");
    assert_int_equal(p.from->loop.ctx.slots.taken, 3);
    loop_poke(&p.from->loop, LOOP_HANDING);
    pair_rounds(&p, 3);
    assert_int_equal(p.from->loop.ctx.slots.taken, 3);
    socket_allowance = -1;
    client_pump(p.from, &ranges);
    assert_int_equal(p.from->loop.ctx.slots.taken, 2);
    assert_int_equal(count_text(ranges.got, "Content-Range: "), 2);
    assert_contains(ranges.got + ranges.len - 20, "--\r\n");
    client_ask(p.to, &ranges, GET("/hello.txt"));
    assert_string_equal(content_of(ranges.got), HELLO);
    client_send(&body, "67890");
    pair_rounds(&p, 3);
    client_take(&body, 1000);
    assert_starts(body.got, "HTTP/1.1 405 ");
    assert_int_equal(p.from->loop.ctx.slots.taken, 1);
    client_ask(p.to, &body, GET("/hello.txt"));
    assert_string_equal(content_of(body.got), HELLO);
    client_close(&linger);
    fixture_await(p.from, 0);
    client_close(&body);
    client_close(&ranges);
    pair_close(&p);
}

// When nobody takes them they are served on, and go later; not one is lost.
TEST(test_nobody_takes_them)
{
    enum { COUNT = 60 };
    struct client clients[COUNT];
    struct pair p = pair_open();
    pair_narrow(&p, 1); // the least there can be
    for (size_t i = 0; i < COUNT; i++) {
        clients[i] = client_open(p.from);
        client_ask(p.from, &clients[i], i % 3 ? GET("/hello.txt") : "GET /hello.txt");
    }
    loop_poke(&p.from->loop, LOOP_HANDING);
    fixture_round(p.from);
    assert_true(p.from->loop.handoff_full);
    uint32_t left = p.from->loop.ctx.slots.taken;
    assert_true(left > 0 && left < COUNT);
    for (int i = 0; i < 5; i++) // nobody takes them: nothing changes
        fixture_round(p.from);
    assert_int_equal(p.from->loop.ctx.slots.taken, left);
    // A connection that is still here is answered here.
    size_t answered = 0;
    for (size_t i = 0; i < COUNT; i++) {
        client_ask(p.from, &clients[i], i % 3 ? GET("/") : " HTTP/1.1\r\n" HOST "\r\n");
        answered += clients[i].len > 0;
    }
    assert_int_equal(answered, left);
    for (int i = 0; i < 10 * COUNT && p.from->loop.ctx.slots.taken; i++)
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
TEST(test_too_large_to_hand_over)
{
    static char head[9000];
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
    assert_int_equal(p.from->loop.ctx.slots.taken, 1);
    assert_false(p.from->loop.handoff_full);
    client_send(&c, "\r\n\r\n");
    pair_rounds(&p, 3);
    client_pump(p.to, &c);
    assert_string_equal(content_of(c.got), HELLO);
    assert_int_equal(p.from->loop.ctx.slots.taken, 0);
    assert_int_equal(p.to->loop.ctx.slots.taken, 1);
    client_close(&c);
    pair_close(&p);
}

// The one that was not taken cannot be heard of again: it is closed, and the others go on.
TEST(test_poller_is_full)
{
    struct client clients[40];
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
    assert_int_equal(p.from->loop.ctx.slot->closed[CONN_CLOSE_MEMORY], 1);
    uint64_t handed = p.from->loop.ctx.slot->closed[CONN_CLOSE_HANDED];
    assert_int_equal(p.from->loop.ctx.slots.taken + handed + 1, ARRAY_SIZE(clients));
    // And the one that was taken cannot be heard of there.
    poller_is_full = true;
    assert_int_equal(handoff_take(&p.to->loop.ctx, p.sockets[0]), HANDOFF_LOST);
    poller_is_full = false;
    pair_rounds(&p, 20);
    for (struct wait w = {0}; p.from->loop.ctx.slots.taken && wait_on(&w);)
        pair_rounds(&p, 1);
    fixture_await(p.to, ARRAY_SIZE(clients) - 2);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        client_close(&clients[i]);
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_deadlines_are_carried_on, pair_setup),
        cmocka_unit_test_setup(test_ready_in_the_same_round, pair_setup),
        cmocka_unit_test_setup(test_what_stays, pair_setup),
        cmocka_unit_test_setup(test_nobody_takes_them, pair_setup),
        cmocka_unit_test_setup(test_too_large_to_hand_over, pair_setup),
        cmocka_unit_test_setup(test_poller_is_full, pair_setup),
    };
    return cmocka_run_group_tests_name("loop_handover", tests, NULL, NULL);
}
