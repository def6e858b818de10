// Connections that change hands where a PROXY header begins them.
#include "support/loopfixture.h"
#include "support/looppair.h"

#include "base/endpoint.h"

// A PROXY header is read on by the other loop, whatever was there of it; and the client that it has
// named stays the client, also where that is of another family than the socket.
TEST(test_proxy_header)
{
    static const char text[] = "PROXY TCP6 2001:db8::7 ::1 1 2\r\n" GET("/hello.txt");
    static const size_t cuts[] = {0, 3, 20, 31, 32, 40, sizeof(text) - 1};
    struct network want;
    assert_null(network_parse(SLICE("2001:db8::7"), &want));
    struct pair p = pair_open();
    p.from->served.proxies.modes[0] = PROXY_PROTOCOL_REQUIRE;
    for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
        struct client c = client_open(p.from);
        fixture_await(p.from, 1);
        client_send_bytes(&c, text, cuts[i]);
        client_pump(p.from, &c);
        assert_int_equal(fixture_conn(p.from)->state == CONN_PROXY, cuts[i] < 32);
        pair_move(&p);
        client_send_bytes(&c, text + cuts[i], sizeof(text) - 1 - cuts[i]);
        client_pump(p.to, &c);
        assert_starts(c.got, OK);
        struct network client = endpoint_network(&fixture_conn(p.to)->client);
        assert_true(network_has(&want, &client));
        assert_false(fixture_conn(p.to)->over_unix);
        client_close(&c);
        fixture_await(p.to, 0);
    }
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_proxy_header, pair_setup),
    };
    return cmocka_run_group_tests_name("handoff_proxy", tests, NULL, NULL);
}
