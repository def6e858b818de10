#include "support/unit.h"

#include "base/network.h"

#include <arpa/inet.h>

static struct network client_of(const char *text)
{
    uint8_t address[16];
    if (strcmp(text, "unix") == 0)
        return (struct network){.kind = NETWORK_UNIX};
    if (inet_pton(AF_INET, text, address) == 1)
        return network_of_ipv4(address);
    assert_int_equal(inet_pton(AF_INET6, text, address), 1);
    return network_of_ipv6(address);
}

static const struct {
    const char *network, *client;
    bool want;
} memberships[] = {
    {"all", "192.0.2.1", true},
    {"all", "2001:db8::1", true},
    {"all", "unix", true},
    {"unix", "unix", true},
    {"unix", "0.0.0.0", false},
    {"unix", "::", false},
    {"0.0.0.0/0", "unix", false},
    {"::/0", "unix", false},
    // one address
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.0", false},
    {"192.0.2.1/32", "192.0.2.1", true},
    {"2001:db8::1", "2001:db8::1", true},
    {"2001:DB8:0::1/128", "2001:db8::1", true},
    {"2001:db8::1", "2001:db8::2", false},
    // every length of the last partial byte
    {"128.0.0.0/1", "255.0.0.0", true},
    {"128.0.0.0/1", "127.255.255.255", false},
    {"192.0.2.0/23", "192.0.3.255", true},
    {"192.0.2.0/23", "192.0.4.0", false},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.8/29", "192.0.2.15", true},
    {"192.0.2.8/29", "192.0.2.16", false},
    {"192.0.2.2/31", "192.0.2.3", true},
    {"192.0.2.2/31", "192.0.2.4", false},
    {"2001:db8::/32", "2001:db8:ffff::", true},
    {"2001:db8::/32", "2001:db9::", false},
    {"2001:db8::/33", "2001:db8:7fff::", true},
    {"2001:db8::/33", "2001:db8:8000::", false},
    {"2001:db8::8/125", "2001:db8::f", true},
    {"2001:db8::8/125", "2001:db8::10", false},
    // the families are apart
    {"0.0.0.0/0", "255.255.255.255", true},
    {"0.0.0.0/0", "::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "::1", true},
    {"::/0", "192.0.2.1", false},
    {"::/80", "192.0.2.1", false},
    {"::/96", "::1.2.3.4", true},
    {"::/96", "1.2.3.4", false},
    // RFC 4291 section 2.5.5.2: IPv4 in the form of IPv6
    {"::ffff:192.0.2.0/120", "192.0.2.7", true},
    {"::ffff:192.0.2.0/120", "192.0.3.7", false},
    {"::ffff:0:0/96", "192.0.2.7", true},
    {"::ffff:0:0/96", "::1", false},
    {"192.0.2.0/24", "::ffff:192.0.2.7", true},
    {"192.0.2.1", "::ffff:192.0.2.1", true},
};

TEST(test_has)
{
    for (size_t i = 0; i < ARRAY_SIZE(memberships); i++) {
        struct network n, client = client_of(memberships[i].client);
        const char *problem = network_parse(slice_of(memberships[i].network), &n);
        if (problem)
            fail_msg("%s: %s", memberships[i].network, problem);
        if (network_has(&n, &client) != memberships[i].want)
            fail_msg("%s, %s", memberships[i].network, memberships[i].client);
    }
}

TEST(test_parse)
{
    static const struct {
        const char *text;
        const char *problem; // a word of it
    } cases[] = {
        {"", "not a network"},
        {"ALL", "not a network"},
        {"all ", "not a network"},
        {"unix:/run/x", "not a network"},
        {"localhost", "not a network"},
        {"192.0.2", "not a network"},
        {"192.0.2.1.1", "not a network"},
        {"192.0.2.256", "not a network"},
        {"192.0.02.1", "not a network"},
        {" 192.0.2.1", "not a network"},
        {"/8", "not a network"},
        {"[::1]", "not a network"},
        {"fe80::1%eth0", "not a network"},
        {"0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0", "not a network"},
        {"10.0.0.0/", "length"},
        {"10.0.0.0/33", "length"},
        {"10.0.0.0/-1", "length"},
        {"10.0.0.0/8/8", "length"},
        {"10.0.0.0/255.0.0.0", "length"},
        {"::/129", "length"},
        {"10.0.0.1/8", "bits beyond"},
        {"10.128.0.0/8", "bits beyond"},
        {"0.0.0.1/0", "bits beyond"},
        {"10.0.0.1/31", "bits beyond"},
        {"2001:db8::1/127", "bits beyond"},
        {"8000::/0", "bits beyond"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network n = {.kind = NETWORK_UNIX, .bits = 77};
        const char *problem = network_parse(slice_of(cases[i].text), &n);
        if (!problem || !strstr(problem, cases[i].problem))
            fail_msg("%s: %s", cases[i].text, problem ? problem : "no problem");
        assert_int_equal(n.kind, NETWORK_UNIX);
        assert_int_equal(n.bits, 77);
    }
}

TEST(test_parse_address)
{
    static const char *const none[] = {"",      "10.0.0.0/8", "unix",  "all",
                                       "[::1]", "::1%lo",     "1.2.3", "::g"};
    struct network n = {.bits = 77};
    for (size_t i = 0; i < ARRAY_SIZE(none); i++)
        assert_false(network_parse_address(slice_of(none[i]), &n));
    assert_false(network_parse_address((struct slice){NULL, 0}, &n));
    assert_int_equal(n.bits, 77);
    assert_true(network_parse_address(SLICE("::ffff:192.0.2.1"), &n));
    struct network want = client_of("192.0.2.1");
    assert_true(n.bits == 128 && network_has(&n, &want));
}

TEST(test_of_address)
{
    static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 1};
    static const uint8_t ipv4[4] = {192, 0, 2, 1};
    struct network a = network_of_ipv4(ipv4), b = network_of_ipv6(mapped);
    assert_int_equal(a.kind, NETWORK_IP);
    assert_int_equal(a.bits, 128);
    assert_memory_equal(a.address, mapped, sizeof(mapped));
    assert_memory_equal(b.address, mapped, sizeof(mapped));
    assert_true(network_has(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_address),
        cmocka_unit_test(test_of_address),
    };
    return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
