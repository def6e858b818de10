#include "support/unit.h"

#include "server/conn_types.h"
#include "server/context.h"
#include "server/eviction.h"

#include <arpa/inet.h>
#include <stdio.h>

#define NOW   100000 // ms
#define CONNS (EVICTION_LOOK + 200)

static struct served served;
static struct context ctx;
static struct conn conns[CONNS];
static size_t conn_count;
static struct eviction eviction;

static int begin(void **state)
{
    const int64_t timeouts[DEADLINE_CLASSES] = {0};
    (void)state;
    deadlines_init(&ctx.deadlines, timeouts);
    ctx.served = &served;
    ctx.clock.now = NOW;
    ctx.ready.count = 0;
    conn_count = 0;
    eviction_init(&eviction);
    return 0;
}

// A connection of `client` (an address, or "" of a UNIX socket) that is in its class since `age`
// ms; older ones come first.
static struct conn *add(const char *client, enum deadline_class class, int64_t age)
{
    struct conn *c = &conns[conn_count++];
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&c->client;
    assert_true(conn_count <= CONNS);
    *c = (struct conn){.state = class == DEADLINE_IDLE ? CONN_IDLE : CONN_HEAD};
    c->client.sin6_family = AF_UNIX;
    if (strchr(client, ':')) {
        c->client.sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, client, &c->client.sin6_addr), 1);
    } else if (*client) {
        v4->sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, client, &v4->sin_addr), 1);
    }
    deadline_init(&c->deadline);
    deadline_set(&ctx.deadlines, &c->deadline, class, NOW - age);
    return c;
}

static void leave(struct conn *c)
{
    deadline_set(&ctx.deadlines, &c->deadline, DEADLINE_NONE, NOW);
}

static struct conn *evict_for(const struct sockaddr_in6 *peer)
{
    struct conn *c = eviction_choose(&eviction, &ctx, peer);
    if (c)
        leave(c);
    return c;
}

static struct conn *evict(void)
{
    return evict_for(NULL);
}

TEST(test_silent_ones_go_first)
{
    add("192.0.2.1", DEADLINE_IDLE, 50000);
    add("192.0.2.1", DEADLINE_IDLE, 40000);
    struct conn *older = add("192.0.2.2", DEADLINE_FIRST, 300);
    struct conn *old = add("192.0.2.3", DEADLINE_FIRST, EVICTION_SILENT);
    struct conn *young = add("192.0.2.4", DEADLINE_FIRST, EVICTION_SILENT - 1);
    assert_ptr_equal(evict(), older);
    assert_ptr_equal(evict(), old);
    assert_ptr_not_equal(evict(), young);
}

// A part of a head is no request, but something: others may take its place, its own client not.
TEST(test_crowd_that_drips)
{
    struct block block = {.start = 0, .end = 3};
    struct conn *idle = add("192.0.2.2", DEADLINE_IDLE, 9000);
    for (int i = 0; i < 10; i++) {
        struct conn *c = add("192.0.2.3", DEADLINE_FIRST, 5000);
        c->in = &block;
        c->scan.pos = 3;
    }
    conns[1].scan.pos = 2; // one byte is new
    assert_null(evict_for(&conns[5].client));
    eviction_init(&eviction);
    for (int i = 0; i < 8; i++)
        assert_ptr_equal(evict_for(&idle->client), &conns[2 + i]);
    assert_null(evict_for(&conns[10].client));
    assert_ptr_equal(evict_for(&idle->client), idle);
}

// However large the crowd, a newcomer costs little.
TEST(test_bounded_looks)
{
    struct block block = {.start = 0, .end = 3};
    for (unsigned i = 0; i <= EVICTION_LOOK; i++) {
        struct conn *c = add("192.0.2.3", DEADLINE_FIRST, 5000);
        c->in = &block;
        c->scan.pos = 3;
    }
    struct conn *own = add("192.0.2.2", DEADLINE_FIRST, 4000);
    assert_ptr_equal(evict_for(&own->client), &conns[0]);
    assert_ptr_equal(evict_for(&own->client), own);
}

// A plan of which none could go is not made anew for each.
TEST(test_plan_in_vain_holds)
{
    struct block block = {.start = 0, .end = 3};
    for (unsigned i = 0; i < 3; i++) {
        struct conn *c = add("192.0.2.3", DEADLINE_FIRST, 5000);
        c->in = &block;
        c->scan.pos = 3;
    }
    assert_null(evict_for(&conns[0].client));
    for (unsigned i = 0; i < 10; i++)
        add("192.0.2.2", DEADLINE_IDLE, 9000);
    assert_null(evict_for(&conns[0].client));
    ctx.clock.now += EVICTION_NONE_HOLDS;
    assert_ptr_equal(evict_for(&conns[0].client), &conns[3]);
}

// Each answer is followed by a second in which the client may ask again.
TEST(test_idle_ones)
{
    struct block block = {.start = 0, .end = 1};
    struct conn *receiving = add("192.0.2.1", DEADLINE_IDLE, 9000);
    struct conn *older = add("192.0.2.2", DEADLINE_IDLE, 8000);
    struct conn *old = add("192.0.2.3", DEADLINE_IDLE, EVICTION_IDLE);
    add("192.0.2.4", DEADLINE_IDLE, EVICTION_IDLE - 1);
    add("192.0.2.5", DEADLINE_HEAD, 9000);
    add("192.0.2.6", DEADLINE_SEND, 9000);
    receiving->in = &block;
    assert_ptr_equal(evict(), older);
    assert_ptr_equal(evict(), old);
    assert_null(evict());
}

TEST(test_client_that_has_most_loses_first)
{
    static const char *const clients[] = {"192.0.2.1", "2001:db8:0:1::1", "192.0.2.3"};
    struct conn *of[3][4];
    for (size_t n = 0; n < 4; n++)
        for (size_t i = 0; i < 3; i++)
            if (n < i + 2) // 2, 3 and 4
                of[i][n] = add(clients[i], DEADLINE_IDLE, 9000 - (int64_t)(10 * n + i));
    assert_ptr_equal(evict(), of[2][0]);
    assert_ptr_equal(evict(), of[1][0]); // three each: the older of the two
    assert_ptr_equal(evict(), of[2][1]);
    assert_ptr_equal(evict(), of[0][0]); // two each
    assert_ptr_equal(evict(), of[1][1]);
    assert_ptr_equal(evict(), of[2][2]);
    assert_ptr_equal(evict(), of[0][1]); // one each
}

TEST(test_a_network_of_ipv6_is_one_client)
{
    add("2001:db8:0:1::1", DEADLINE_IDLE, 9000);
    struct conn *first = add("2001:db8:0:2::1", DEADLINE_IDLE, 8000);
    add("2001:db8:0:2:ffff::1", DEADLINE_IDLE, 7000);
    assert_ptr_equal(evict(), first);
}

// A proxy may be behind each of them.
TEST(test_peers_of_unix_sockets_are_no_client)
{
    add("192.0.2.1", DEADLINE_IDLE, 9900);
    struct conn *second = add("", DEADLINE_IDLE, 9000);
    add("", DEADLINE_IDLE, 8000);
    add("", DEADLINE_IDLE, 7000);
    struct conn *of_two = add("192.0.2.1", DEADLINE_IDLE, 6000);
    assert_ptr_equal(evict(), &conns[0]); // the one client that has two
    assert_ptr_equal(evict(), second);
    leave(of_two);
}

// It has them for many others.
TEST(test_trusted_proxies_are_no_client)
{
    struct network network;
    assert_null(network_parse(SLICE("192.0.2.1"), &network));
    served.proxies = (struct proxies){.trusted = &network, .trusted_count = 1};
    add("198.51.100.1", DEADLINE_IDLE, 9000);
    for (int i = 0; i < 5; i++)
        add("192.0.2.1", DEADLINE_IDLE, 8000 - i);
    assert_ptr_equal(evict(), &conns[0]); // the longest idle of all
    served.proxies = (struct proxies){0};
}

// More of them than there are places come and go before any is silent for long.
TEST(test_crowd_costs_nobody_else_a_connection)
{
    for (int i = 0; i < 20; i++) {
        char client[INET_ADDRSTRLEN];
        snprintf(client, sizeof(client), "192.0.2.%d", i + 1);
        add(client, DEADLINE_IDLE, 9000);
        add(client, DEADLINE_IDLE, 8000);
    }
    for (int i = 0; i < 100; i++)
        add("198.51.100.1", DEADLINE_FIRST, 100);
    for (int i = 0; i < 98; i++) {
        struct conn *c = evict();
        assert_non_null(c);
        assert_int_equal(c->state, CONN_HEAD);
    }
    assert_int_equal(ctx.deadlines.counts[DEADLINE_FIRST], 2);
    assert_int_equal(evict()->state, CONN_IDLE); // all have two now
}

// A crowd costs others one connection at most, before it is known for one.
TEST(test_newcomer_takes_the_place_of_its_own_client)
{
    add("192.0.2.1", DEADLINE_IDLE, 9000);
    add("192.0.2.2", DEADLINE_IDLE, 8000);
    struct conn *own = add("192.0.2.3", DEADLINE_FIRST, 0);
    const struct sockaddr_in6 peer = own->client;
    ctx.turns.round++;
    assert_ptr_equal(evict_for(&peer), own);
    assert_false(eviction_waits(&eviction, &ctx));
    assert_ptr_equal(evict_for(&peer), &conns[0]);
    assert_true(eviction_waits(&eviction, &ctx));
    ctx.turns.round++;
    assert_false(eviction_waits(&eviction, &ctx));
}

// The plan is looked at again: a connection of it may have asked, or gone, or be another now.
TEST(test_plan_is_checked)
{
    struct block block = {.start = 0, .end = 1};
    for (int i = 0; i < 30; i++)
        add("192.0.2.1", DEADLINE_IDLE, 9000 - i);
    add("192.0.2.2", DEADLINE_IDLE, 9000);
    assert_ptr_equal(evict(), &conns[0]);
    leave(&conns[1]);
    deadline_set(&ctx.deadlines, &conns[2].deadline, DEADLINE_SEND, NOW);
    deadline_set(&ctx.deadlines, &conns[3].deadline, DEADLINE_IDLE, NOW);
    conns[4].in = &block;
    assert_ptr_equal(evict(), &conns[5]);
    ctx.clock.now += EVICTION_HOLDS; // a new plan
    conns[4].in = NULL;
    assert_ptr_equal(evict(), &conns[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_silent_ones_go_first, begin),
        cmocka_unit_test_setup(test_crowd_that_drips, begin),
        cmocka_unit_test_setup(test_bounded_looks, begin),
        cmocka_unit_test_setup(test_plan_in_vain_holds, begin),
        cmocka_unit_test_setup(test_idle_ones, begin),
        cmocka_unit_test_setup(test_client_that_has_most_loses_first, begin),
        cmocka_unit_test_setup(test_a_network_of_ipv6_is_one_client, begin),
        cmocka_unit_test_setup(test_peers_of_unix_sockets_are_no_client, begin),
        cmocka_unit_test_setup(test_trusted_proxies_are_no_client, begin),
        cmocka_unit_test_setup(test_crowd_costs_nobody_else_a_connection, begin),
        cmocka_unit_test_setup(test_newcomer_takes_the_place_of_its_own_client, begin),
        cmocka_unit_test_setup(test_plan_is_checked, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
