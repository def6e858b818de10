#include "support/unit.h"

#include "base/address.h"
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <string.h>

static struct endpoint endpoint_of(const char *text)
{
    struct address a;
    const char *problem = address_parse(slice_of(text), &a);
    if (problem)
        fail_msg("\"%s\": %s", text, problem);
    assert_true(a.kind == ADDRESS_IP || a.kind == ADDRESS_UNIX);
    return a.endpoint;
}

// Addresses that address_parse() refuses, but that the kernel may report.
static struct endpoint ip6_of(const char *host, uint16_t port)
{
    struct endpoint e = {.len = sizeof(e.in6),
                         .in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    assert_int_equal(inet_pton(AF_INET6, host, &e.in6.sin6_addr), 1);
    return e;
}

static void assert_host(const struct endpoint *e, const char *want)
{
    char text[INET6_ADDRSTRLEN];
    struct buf b = buf_make(text, sizeof(text));
    endpoint_put_host(&b, &e->in6);
    assert_slice(buf_slice(&b), want);
}

TEST(test_what_formats_as_it_was_written)
{
    static const struct {
        const char *text, *formatted, *host;
        uint16_t port;
    } cases[] = {
        {"192.0.2.1:80", "192.0.2.1:80", "192.0.2.1", 80},
        {"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", 0},
        {"255.255.255.255:65535", "255.255.255.255:65535", "255.255.255.255", 65535},
        {"[2001:db8::1]:80", "[2001:db8::1]:80", "2001:db8::1", 80},
        {"[2001:DB8:0:0::1]:8080", "[2001:db8::1]:8080", "2001:db8::1", 8080},
        {"[::]:80", "[::]:80", "::", 80},
        {"[fe80::1%7]:80", "[fe80::1%7]:80", "fe80::1", 80},
        {"[fe80::1%4294967]:65535", "[fe80::1%4294967]:65535", "fe80::1", 65535},
        {"unix:/run/tined/http.sock", "unix:/run/tined/http.sock", "unix", 0},
        {"unix:/with space:80", "unix:/with space:80", "unix", 0},
        {"unix:@tined", "unix:@tined", "unix", 0},
        {"unix:@/tined", "unix:@/tined", "unix", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[ENDPOINT_TEXT_MAX];
        struct endpoint e = endpoint_of(cases[i].text);
        assert_string_equal(endpoint_format(&e, text), cases[i].formatted);
        assert_host(&e, cases[i].host);
        assert_int_equal(endpoint_port(&e), cases[i].port);
        struct endpoint again = endpoint_of(cases[i].formatted);
        assert_true(endpoint_equal(&e, &again));
        assert_int_equal(e.len, again.len);
    }
}

TEST(test_format_of_what_the_kernel_gives)
{
    char text[ENDPOINT_TEXT_MAX];
    struct endpoint mapped = ip6_of("::ffff:192.0.2.1", 80);
    assert_host(&mapped, "192.0.2.1");
    assert_string_equal(endpoint_format(&mapped, text), "[::ffff:192.0.2.1]:80");

    struct endpoint unnamed = {.len = sizeof(sa_family_t), .un = {.sun_family = AF_UNIX}};
    assert_string_equal(endpoint_format(&unnamed, text), "unix:");
    struct endpoint full = {.len = sizeof(full.un), .un = {.sun_family = AF_UNIX}};
    memset(full.un.sun_path, 'x', sizeof(full.un.sun_path)); // no NUL: unix(7)
    assert_int_equal(strlen(endpoint_format(&full, text)), strlen("unix:") + 108);
    memset(full.un.sun_path, '\n', sizeof(full.un.sun_path));
    full.un.sun_path[0] = '\0';
    assert_string_equal(endpoint_format(&full, text) + 110, "???");
    assert_true(strncmp(text, "unix:@?", 7) == 0);
}

TEST(test_network_of_a_client)
{
    static const struct {
        const char *client, *in, *not_in;
    } cases[] = {
        {"192.0.2.1:80", "192.0.2.1", "192.0.2.2"},
        {"[2001:db8::1]:80", "2001:db8::1", "192.0.2.1"},
        {"[2001:db8::1]:80", "2001:db8::/32", "2001:db8::2"},
        {"unix:/a", "unix", "192.0.2.1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint e = endpoint_of(cases[i].client);
        struct network client = endpoint_network(&e.in6), in, not_in;
        assert_null(network_parse(slice_of(cases[i].in), &in));
        assert_null(network_parse(slice_of(cases[i].not_in), &not_in));
        assert_true(network_has(&in, &client));
        assert_false(network_has(&not_in, &client));
    }
    struct endpoint mapped = ip6_of("::ffff:192.0.2.1", 80);
    struct network client = endpoint_network(&mapped.in6), in;
    assert_null(network_parse(SLICE("192.0.2.1"), &in));
    assert_true(network_has(&in, &client));
}

// The other way round.
TEST(test_peer)
{
    static const char *const clients[] = {"192.0.2.1", "2001:db8::1", "::1", "unix"};
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        struct network client;
        char text[INET6_ADDRSTRLEN];
        struct buf b = buf_make(text, sizeof(text));
        assert_null(network_parse(slice_of(clients[i]), &client));
        struct sockaddr_in6 peer = endpoint_peer(&client);
        endpoint_put_host(&b, &peer);
        assert_slice(buf_slice(&b), clients[i]);
        struct network again = endpoint_network(&peer);
        assert_int_equal(again.kind, client.kind);
        assert_memory_equal(again.address, client.address, sizeof(client.address));
    }
    struct network mapped;
    assert_null(network_parse(SLICE("::ffff:192.0.2.1"), &mapped));
    assert_int_equal(endpoint_peer(&mapped).sin6_family, AF_INET);
}

TEST(test_overlaps)
{
    static const struct {
        const char *a, *b;
        bool overlaps, equal;
    } cases[] = {
        {"0.0.0.0:80", "192.0.2.1:80", true, false},
        {"0.0.0.0:80", "0.0.0.0:80", true, true},
        {"0.0.0.0:80", "192.0.2.1:81", false, false},
        {"192.0.2.1:80", "192.0.2.1:80", true, true},
        {"192.0.2.1:80", "192.0.2.2:80", false, false},
        {"[::]:80", "0.0.0.0:80", false, false}, // IPV6_V6ONLY
        {"[::]:80", "192.0.2.1:80", false, false},
        {"[::]:80", "[2001:db8::1]:80", true, false},
        {"[2001:db8::1]:80", "[2001:db8::2]:80", false, false},
        {"[fe80::1%1]:80", "[fe80::1%2]:80", false, false},
        {"[fe80::1%1]:80", "[fe80::1%1]:80", true, true},
        {"[::]:80", "[fe80::1%2]:80", true, false},
        {"0.0.0.0:0", "0.0.0.0:0", false, true},
        {"unix:/a", "unix:/a", true, true},
        {"unix:/a", "unix:/ab", false, false},
        {"unix:/a", "unix:@a", false, false},
        {"unix:@a", "unix:@a", true, true},
        {"unix:/a", "0.0.0.0:80", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint a = endpoint_of(cases[i].a), b = endpoint_of(cases[i].b);
        if (endpoint_overlaps(&a, &b) != cases[i].overlaps ||
            endpoint_overlaps(&b, &a) != cases[i].overlaps ||
            endpoint_equal(&a, &b) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
}

TEST(test_mapped_is_ip4)
{
    struct endpoint mapped = ip6_of("::ffff:192.0.2.1", 80), any = endpoint_of("0.0.0.0:80"),
                    plain = endpoint_of("192.0.2.1:80"), any6 = endpoint_of("[::]:80");
    assert_true(endpoint_equal(&mapped, &plain));
    assert_true(endpoint_overlaps(&mapped, &plain));
    assert_true(endpoint_overlaps(&any, &mapped));
    assert_false(endpoint_overlaps(&any6, &mapped));
}

// Where a connection arrived, by its own address.
TEST(test_accepts)
{
    static const struct {
        const char *listener, *local;
        bool accepts;
    } cases[] = {
        {"192.0.2.1:80", "192.0.2.1:80", true},
        {"192.0.2.1:80", "192.0.2.2:80", false},
        {"192.0.2.1:80", "192.0.2.1:81", false},
        {"0.0.0.0:80", "192.0.2.1:80", true},
        {"0.0.0.0:80", "192.0.2.1:81", false},
        {"0.0.0.0:80", "[2001:db8::1]:80", false},
        {"192.0.2.1:80", "0.0.0.0:80", false},
        {"[::]:80", "[2001:db8::1]:80", true},
        {"[::]:80", "192.0.2.1:80", false},
        {"[2001:db8::1]:80", "[2001:db8::2]:80", false},
        {"unix:/a", "unix:/a", true},
        {"unix:/a", "unix:/b", false},
        {"0.0.0.0:80", "unix:/a", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct endpoint a = endpoint_of(cases[i].listener), b = endpoint_of(cases[i].local);
        if (endpoint_accepts(&a, &b) != cases[i].accepts)
            fail_msg("%s and %s", cases[i].listener, cases[i].local);
    }
    struct endpoint mapped = ip6_of("::ffff:192.0.2.1", 80), any = endpoint_of("0.0.0.0:80"),
                    plain = endpoint_of("192.0.2.1:80"), any6 = endpoint_of("[::]:80"), none = {0};
    assert_true(endpoint_accepts(&plain, &mapped));
    assert_true(endpoint_accepts(&any, &mapped));
    assert_true(endpoint_accepts(&any6, &mapped));
    assert_false(endpoint_accepts(&none, &plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_formats_as_it_was_written),
        cmocka_unit_test(test_format_of_what_the_kernel_gives),
        cmocka_unit_test(test_network_of_a_client),
        cmocka_unit_test(test_peer),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_mapped_is_ip4),
        cmocka_unit_test(test_accepts),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
