// Connections in front of whose first request a PROXY header stands, in a loop that is driven by
// hand.
#include "support/loopfixture.h"

#include "base/endpoint.h"

#define V1      "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n"
#define UNKNOWN "PROXY UNKNOWN\r\n"
#define SELF    "127.0.0.1"

static unsigned notices;
static size_t noticed_listener;

static void count_notice(void *context, enum proxy_notice notice, size_t listener)
{
    (void)context;
    notices += notice == PROXY_NOTICE_MISSING;
    noticed_listener = listener;
}

// A loop whose first listener is of that mode, and that trusts `trusted` (NULL: nobody).
static struct fixture *open_loop(enum proxy_protocol mode, const char *trusted)
{
    struct fixture *f = fixture_open_unstarted(NULL);
    struct proxies *p = &f->served.proxies;
    if (trusted) // there is room for one more than the configuration names
        assert_null(network_parse(slice_of(trusted), &p->trusted[p->trusted_count++]));
    p->modes[0] = mode;
    f->shared.on_proxy = count_notice;
    notices = 0;
    fixture_start(f);
    return f;
}

static void expect_client(const struct conn *c, const char *want)
{
    char text[64];
    struct buf b = buf_make(text, sizeof(text));
    endpoint_put_host(&b, &c->client);
    assert_slice(buf_slice(&b), want);
}

static uint64_t closed_for(const struct fixture *f, enum conn_close reason)
{
    return atomic_load(&f->loop.ctx.slot->closed[reason]);
}

static const struct {
    enum proxy_protocol mode;
    const char *trusted;
    const char *sent;
    enum conn_state state; // CONN_FREE: refused
    const char *client;    // and the number of answers that it gets
    unsigned answers;
} cases[] = {
    {PROXY_PROTOCOL_OFF, SELF, GET("/"), CONN_IDLE, SELF, 1},
    {PROXY_PROTOCOL_OFF, SELF, V1 GET("/"), CONN_LINGER, SELF, 1},
    {PROXY_PROTOCOL_ACCEPT, SELF, V1 GET("/"), CONN_IDLE, "192.0.2.7", 1},
    {PROXY_PROTOCOL_ACCEPT, SELF, V1 GET("/") GET("/"), CONN_IDLE, "192.0.2.7", 2},
    {PROXY_PROTOCOL_ACCEPT, SELF, V1, CONN_HEAD, "192.0.2.7", 0},
    {PROXY_PROTOCOL_ACCEPT, SELF, V1 "GET /", CONN_HEAD, "192.0.2.7", 0},
    {PROXY_PROTOCOL_ACCEPT, SELF, "PROXY TCP6 ::ffff:192.0.2.7 ::1 0 80\r\n" GET("/"), CONN_IDLE,
     "192.0.2.7", 1},
    {PROXY_PROTOCOL_ACCEPT, SELF, UNKNOWN GET("/"), CONN_IDLE, SELF, 1},
    {PROXY_PROTOCOL_ACCEPT, SELF, GET("/"), CONN_IDLE, SELF, 1},
    {PROXY_PROTOCOL_ACCEPT, SELF, "PRO", CONN_PROXY, SELF, 0},
    {PROXY_PROTOCOL_ACCEPT, SELF, "PROPFIND / HTTP/1.1\r\n" HOST "\r\n", CONN_IDLE, SELF, 1},
    {PROXY_PROTOCOL_ACCEPT, SELF, "PROXY TCP4 x\r\n", CONN_FREE, NULL, 0},
    // the second one is none of the proxy's
    {PROXY_PROTOCOL_ACCEPT, SELF, V1 V1 GET("/"), CONN_LINGER, "192.0.2.7", 1},
    // a stranger's is not looked at
    {PROXY_PROTOCOL_ACCEPT, "192.0.2.0/24", V1 GET("/"), CONN_LINGER, SELF, 1},
    {PROXY_PROTOCOL_ACCEPT, NULL, V1 GET("/"), CONN_LINGER, SELF, 1},
    {PROXY_PROTOCOL_ACCEPT, NULL, GET("/"), CONN_IDLE, SELF, 1},
    {PROXY_PROTOCOL_REQUIRE, SELF, V1 GET("/"), CONN_IDLE, "192.0.2.7", 1},
    {PROXY_PROTOCOL_REQUIRE, SELF, UNKNOWN GET("/"), CONN_IDLE, SELF, 1},
    {PROXY_PROTOCOL_REQUIRE, NULL, V1 GET("/"), CONN_IDLE, "192.0.2.7", 1},
    {PROXY_PROTOCOL_REQUIRE, SELF, "PROXY", CONN_PROXY, SELF, 0},
    {PROXY_PROTOCOL_REQUIRE, SELF, GET("/"), CONN_FREE, NULL, 0},
    {PROXY_PROTOCOL_REQUIRE, NULL, GET("/"), CONN_FREE, NULL, 0},
    {PROXY_PROTOCOL_REQUIRE, SELF, "\r\n" GET("/"), CONN_FREE, NULL, 0},
    {PROXY_PROTOCOL_REQUIRE, SELF, "PROXY UNKNOWN\n" GET("/"), CONN_FREE, NULL, 0},
    {PROXY_PROTOCOL_REQUIRE, "192.0.2.0/24", V1 GET("/"), CONN_FREE, NULL, 0},
};

static unsigned count_answers(const struct client *c)
{
    unsigned count = 0;
    for (const char *at = c->len ? c->got : NULL; at && (at = strstr(at, "HTTP/1.1 ")); at++)
        count++;
    return count;
}

TEST(test_headers)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture *f = open_loop(cases[i].mode, cases[i].trusted);
        struct client c = client_open(f);
        bool is_refused = cases[i].state == CONN_FREE;
        client_send(&c, cases[i].sent);
        for (int round = 0; round < 1000 && !atomic_load(&f->loop.ctx.slot->accepted); round++)
            client_pump(f, &c);
        client_pump(f, &c);
        fixture_await(f, is_refused ? 0 : 1);
        if (!is_refused) {
            struct conn *conn = fixture_conn(f);
            if (conn->state != cases[i].state)
                fail_msg("case %zu: state %d", i, conn->state);
            expect_client(conn, cases[i].client);
        }
        assert_int_equal(count_answers(&c), cases[i].answers);
        assert_int_equal(notices, is_refused);
        assert_int_equal(closed_for(f, CONN_CLOSE_PROXY), is_refused);
        client_close(&c);
        fixture_close(f);
    }
}

// By the item SSL of a header that names a client.
TEST(test_scheme)
{
    static const struct {
        const char *items;
        size_t len;
        enum scheme want;
    } rows[] = {
        {"", 0, SCHEME_UNSET},
        {"\x20\0\5\1\0\0\0\0", 8, SCHEME_HTTPS},
        {"\x20\0\5\0\0\0\0\0", 8, SCHEME_HTTP}, // as HAProxy says it without TLS
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char head[64] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\xc0\0\2\1\1\1\1\1";
        struct fixture *f = open_loop(PROXY_PROTOCOL_ACCEPT, SELF);
        struct client c = client_open(f);
        fixture_await(f, 1);
        head[15] = (char)(head[15] + (char)rows[i].len);
        memcpy(head + 28, rows[i].items, rows[i].len);
        client_send_bytes(&c, head, 28 + rows[i].len);
        client_pump(f, &c);
        expect_client(fixture_conn(f), "192.0.2.7");
        assert_int_equal(fixture_conn(f)->scheme, rows[i].want);
        client_close(&c);
        fixture_close(f);
    }
}

// In each pair of pieces, and byte for byte.
TEST(test_in_pieces)
{
    static const char text[] = V1 GET("/hello.txt");
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        struct fixture *f = open_loop(PROXY_PROTOCOL_REQUIRE, SELF);
        struct client c = client_open(f);
        fixture_await(f, 1);
        client_send_bytes(&c, text, cut);
        client_pump(f, &c);
        assert_int_equal(count_answers(&c), 0);
        client_send_bytes(&c, text + cut, sizeof(text) - 1 - cut);
        client_pump(f, &c);
        assert_int_equal(count_answers(&c), 1);
        expect_client(fixture_conn(f), "192.0.2.7");
        client_close(&c);
        fixture_close(f);
    }
}

// Header and first request have one deadline, and the header alone is no request: no 408.
TEST(test_deadline)
{
    static const char *const sent[] = {"", "PROXY TCP4", V1};
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++) {
        struct fixture *f = open_loop(PROXY_PROTOCOL_REQUIRE, SELF);
        struct client c = client_open(f);
        fixture_await(f, 1);
        fixture_pass_time(f, 6000);
        client_ask(f, &c, sent[i]);
        fixture_pass_time(f, 3999);
        fixture_await(f, 1);
        fixture_pass_time(f, 1);
        fixture_await(f, 0);
        client_pump(f, &c);
        assert_int_equal(count_answers(&c), 0);
        assert_int_equal(closed_for(f, CONN_CLOSE_TIMEOUT), 1);
        assert_int_equal(notices, 0);
        client_close(&c);
        fixture_close(f);
    }
}

// A check by TCP alone, with a header or without one: nothing to talk about.
TEST(test_checks)
{
    static const char *const sent[] = {"", "PROXY", UNKNOWN};
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++) {
        struct fixture *f = open_loop(PROXY_PROTOCOL_REQUIRE, SELF);
        struct client c = client_open(f);
        fixture_await(f, 1);
        client_send(&c, sent[i]);
        client_close(&c);
        fixture_await(f, 0);
        assert_int_equal(closed_for(f, CONN_CLOSE_EOF), 1);
        assert_int_equal(notices, 0);
        fixture_close(f);
    }
}

// A server that stops does not wait for headers, but serves those that come at once.
TEST(test_stop)
{
    struct fixture *f = open_loop(PROXY_PROTOCOL_REQUIRE, SELF);
    struct client quick = client_open(f), silent = client_open(f);
    fixture_await(f, 2);
    loop_poke(&f->loop, LOOP_RETIRING);
    fixture_round(f);
    client_ask(f, &quick, V1 GET("/"));
    assert_int_equal(count_answers(&quick), 1);
    client_close(&quick);
    fixture_await(f, 1);
    fixture_pass_time(f, 250);
    fixture_await(f, 0);
    assert_int_equal(count_answers(&silent), 0);
    client_close(&silent);
    fixture_close(f);
}

// Of each kind once a second.
TEST(test_notice)
{
    struct fixture *f = open_loop(PROXY_PROTOCOL_REQUIRE, SELF);
    for (unsigned i = 0; i < 4; i++) {
        struct client c = client_open(f);
        client_ask(f, &c, GET("/"));
        fixture_await(f, 0);
        assert_int_equal(notices, 1 + i / 2);
        assert_int_equal(noticed_listener, 0);
        client_close(&c);
        fixture_pass_time(f, 500);
    }
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),   cmocka_unit_test(test_scheme),
        cmocka_unit_test(test_in_pieces), cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_checks),    cmocka_unit_test(test_stop),
        cmocka_unit_test(test_notice),
    };
    return cmocka_run_group_tests_name("conn_proxy", tests, NULL, NULL);
}
