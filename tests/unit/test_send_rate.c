#include "support/unit.h"

#include "server/context.h"
#include "server/send_rate.h"

#include <sys/socket.h>

static uint64_t queued; // in the socket

uint64_t __wrap_transmit_queued(int socket);
uint64_t __wrap_transmit_queued(int socket)
{
    (void)socket;
    return queued;
}

static struct conf conf;
static struct served served = {.conf = &conf};
static struct context ctx = {.served = &served};

static struct conn conn_with(uint64_t sent, uint64_t due)
{
    return (struct conn){.sent = sent, .due = due};
}

// The next demand counts from the bytes that the client has.
TEST(test_begin)
{
    static const struct {
        uint64_t rate, period, sent, queued, due;
    } cases[] = {
        {100, 5000, 0, 0, 500},       {100, 5000, 1000, 200, 1300},
        {100, 5000, 1000, 1200, 500}, // what else the kernel counts
        {0, 5000, 1000, 1000, 1},     {1, 500, 1000, 0, 1001},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct conn c = conn_with(cases[i].sent, 123456);
        conf.limits.send_rate = cases[i].rate;
        conf.timeouts.send = cases[i].period;
        queued = cases[i].queued;
        send_rate_begin(&ctx, &c);
        assert_int_equal(c.due, cases[i].due);
    }
}

// 10 bytes a second for 10 s.
TEST(test_is_kept)
{
    static const struct {
        uint64_t sent, queued, due;
        bool is_kept;
        uint64_t next;
    } cases[] = {
        {1000, 800, 200, true, 300},  {1000, 801, 200, false, 200},
        {1000, 100, 200, true, 1000}, // more than enough is not for later
        {1000, 1000, 1, false, 1},    {1000, 0, 1000, true, 1100},
    };
    conf.limits.send_rate = 10;
    conf.timeouts.send = 10000;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct conn c = conn_with(cases[i].sent, cases[i].due);
        queued = cases[i].queued;
        assert_int_equal(send_rate_is_kept(&ctx, &c), cases[i].is_kept);
        assert_int_equal(c.due, cases[i].next);
    }
}

// Without a rate one byte a period is enough.
TEST(test_no_rate)
{
    struct conn c = conn_with(1000, 0);
    conf.limits.send_rate = 0;
    queued = 500;
    send_rate_begin(&ctx, &c);
    queued = 499;
    assert_true(send_rate_is_kept(&ctx, &c));
    assert_false(send_rate_is_kept(&ctx, &c));
}

// A client cannot take bytes that are still being made.
TEST(test_waits_for_us)
{
    struct body_source source;
    struct block out;
    struct conn c = conn_with(1000, 5000);
    conf.limits.send_rate = 10;
    conf.timeouts.send = 10000;
    c.transfer.source = &source;
    queued = 1;
    assert_false(send_rate_is_kept(&ctx, &c));
    queued = 0;
    c.out = &out;
    assert_false(send_rate_is_kept(&ctx, &c));
    c.out = NULL;
    c.transfer.end = 1;
    assert_false(send_rate_is_kept(&ctx, &c));
    c.transfer.end = 0;
    assert_true(send_rate_is_kept(&ctx, &c));
    assert_int_equal(c.due, 1100);
}

// All that is queued in a UNIX socket counts as taken, once, where there is a rate.
TEST(test_unix_socket)
{
    struct conn c = conn_with(1000, 950);
    c.over_unix = true;
    conf.limits.send_rate = 10;
    conf.timeouts.send = 10000;
    queued = 1000;
    assert_true(send_rate_is_kept(&ctx, &c));
    assert_int_equal(c.due, 1050);
    assert_false(send_rate_is_kept(&ctx, &c));
    conf.limits.send_rate = 0;
    c.due = 950;
    assert_false(send_rate_is_kept(&ctx, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin),       cmocka_unit_test(test_is_kept),
        cmocka_unit_test(test_no_rate),     cmocka_unit_test(test_waits_for_us),
        cmocka_unit_test(test_unix_socket),
    };
    return cmocka_run_group_tests_name("send_rate", tests, NULL, NULL);
}
