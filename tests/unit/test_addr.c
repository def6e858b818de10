#include "unit.h"

#include "sys/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

static struct endpoint endpoint_of(const char *text)
{
    struct addr a;
    struct endpoint e;
    const char *problem = addr_parse(text, &a);
    if (problem)
        fail_msg("\"%s\": %s", text, problem);
    assert_int_equal(addr_resolve(&a, &e, 1), 1);
    return e;
}

// Addresses that addr_parse() refuses, but that the kernel may report.
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
    addr_put_host(&b, &e->in6);
    assert_slice(buf_slice(&b), want);
}

static void test_what_formats_as_it_was_written(void **state)
{
    (void)state;
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
        char text[ADDR_TEXT_MAX];
        struct endpoint e = endpoint_of(cases[i].text);
        assert_string_equal(addr_format(&e, text), cases[i].formatted);
        assert_host(&e, cases[i].host);
        assert_int_equal(addr_port(&e), cases[i].port);
        struct endpoint again = endpoint_of(cases[i].formatted);
        assert_true(addr_equal(&e, &again));
        assert_int_equal(e.len, again.len);
    }
}

static void test_names_and_wildcards(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        enum addr_kind kind;
        uint16_t port;
    } cases[] = {
        {"*:80", "", ADDR_WILDCARD, 80},
        {":80", "", ADDR_WILDCARD, 80},
        {"*:0", "", ADDR_WILDCARD, 0},
        {"*:00080", "", ADDR_WILDCARD, 80},
        {"localhost:8080", "localhost", ADDR_NAME, 8080},
        {"www.example.org.:80", "www.example.org.", ADDR_NAME, 80},
        {"1and1.example:80", "1and1.example", ADDR_NAME, 80},
        {"a_b-c:80", "a_b-c", ADDR_NAME, 80},
        {"unix.example:80", "unix.example", ADDR_NAME, 80},
        {"systemd:http", "http", ADDR_SYSTEMD, 0},
        {"systemd:80", "80", ADDR_SYSTEMD, 0},
        {"systemd:tined.socket", "tined.socket", ADDR_SYSTEMD, 0},
        {"[fe80::1%eth0]:80", "eth0", ADDR_IP, 80},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct addr a;
        assert_null(addr_parse(cases[i].text, &a));
        assert_int_equal(a.kind, cases[i].kind);
        assert_int_equal(a.port, cases[i].port);
        assert_string_equal(a.name, cases[i].name);
    }
}

static void test_refusals_say_what_is_right(void **state)
{
    (void)state;
    static const struct {
        const char *text, *part; // of what is said
    } cases[] = {
        {"", "empty"},
        {"80", "write e.g. \"*:80\""},
        {"*", "no port"},
        {"1.2.3.4", "no port"},
        {"localhost", "no port"},
        {"localhost:", "no port after the colon"},
        {":", "no port after the colon"},
        {"*:http", "not a number"},
        {"*:-1", "not a number"},
        {"*: 80", "not a number"},
        {"*:80 ", "not a number"},
        {"*:65536", "1 to 65535"},
        {"*:18446744073709551696", "1 to 65535"},
        {" *:80", "not a host"},
        {"**:80", "not a host"},
        {"a..b:80", "not a host"},
        {".:80", "not a host"},
        {"ex ample:80", "not a host"},
        {"1.2.3:80", "four numbers"},
        {"1.2.3.256:80", "four numbers"},
        {"1.2.3.4.5:80", "four numbers"},
        {"1.2.3.04:80", "four numbers"},
        {"::1:80", "\"[::1]:80\""},
        {"::", "\"[::1]:80\""},
        {"2001:db8::1", "\"[::1]:80\""},
        {"[::1]", "no port"},
        {"[::1]:", "no port after the colon"},
        {"[::1]80", "a colon and the port"},
        {"[::1:80", "bracket is missing"},
        {"[]:80", "not an IPv6 address"},
        {"[1.2.3.4]:80", "not an IPv6 address"},
        {"[::g]:80", "not an IPv6 address"},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:80", "not an IPv6 address"},
        {"[::ffff:1.2.3.4]:80", "write it as IPv4"},
        {"[fe80::1]:80", "needs its interface"},
        {"[2001:db8::1%eth0]:80", "only a link-local address"},
        {"[fe80::1%]:80", "no interface after"},
        {"[fe80::1%0]:80", "no such interface index"},
        {"[fe80::1%4294967296]:80", "no such interface index"},
        {"[fe80::1%a/b]:80", "not the name of an interface"},
        {"[fe80::1%sixteen-letters-]:80", "not the name of an interface"},
        {"http://localhost:80", "a URL"},
        {"http://localhost", "a URL"},
        {"/run/http.sock", "\"unix:/path\""},
        {"@http", "\"unix:@name\""},
        {"unix:", "absolute path"},
        {"unix:http.sock", "absolute path"},
        {"unix:/", "is empty"},
        {"unix:@", "is empty"},
        {"unix:/a\nb", "control byte"},
        {"systemd:", "needs a name"},
        {"systemd:a:b", "no colon"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct addr a, untouched;
        memset(&a, 0x55, sizeof(a));
        memset(&untouched, 0x55, sizeof(untouched));
        const char *problem = addr_parse(cases[i].text, &a);
        if (!problem || !strstr(problem, cases[i].part))
            fail_msg("\"%s\" is refused as: %s", cases[i].text, problem ? problem : "(accepted)");
        assert_memory_equal(&a, &untouched, sizeof(a));
    }
}

static const char *repeat(char *text, const char *prefix, char c, size_t count, const char *suffix)
{
    char *to = stpcpy(text, prefix);
    memset(to, c, count);
    strcpy(to + count, suffix);
    return text;
}

static void test_longest_names(void **state)
{
    (void)state;
    char text[512], formatted[ADDR_TEXT_MAX];
    struct addr a;
    assert_null(addr_parse(repeat(text, "unix:/", 'a', 106, ""), &a));
    assert_string_equal(addr_format(&a.endpoint, formatted), text);
    assert_non_null(strstr(addr_parse(repeat(text, "unix:/", 'a', 107, ""), &a), "at most 107"));
    assert_null(addr_parse(repeat(text, "unix:@", 'a', 107, ""), &a));
    assert_string_equal(addr_format(&a.endpoint, formatted), text);
    assert_non_null(strstr(addr_parse(repeat(text, "unix:@", 'a', 108, ""), &a), "at most 107"));
    assert_null(addr_parse(repeat(text, "systemd:", 'a', 255, ""), &a));
    assert_non_null(addr_parse(repeat(text, "systemd:", 'a', 256, ""), &a));
    assert_null(addr_parse(repeat(text, "", 'a', 63, ".org:80"), &a));
    assert_non_null(addr_parse(repeat(text, "", 'a', 64, ".org:80"), &a));
    assert_non_null(addr_parse(repeat(text, "", '.', 300, ":80"), &a));
}

static void test_resolve(void **state)
{
    (void)state;
    struct addr a;
    struct endpoint e[4];
    char text[ADDR_TEXT_MAX];

    assert_null(addr_parse("*:81", &a));
    assert_int_equal(addr_resolve(&a, e, ARRAY_SIZE(e)), 2);
    assert_string_equal(addr_format(&e[0], text), "0.0.0.0:81");
    assert_string_equal(addr_format(&e[1], text), "[::]:81");
    assert_int_equal(addr_resolve(&a, e, 1), 1);

    assert_null(addr_parse("systemd:http", &a));
    assert_int_equal(addr_resolve(&a, e, ARRAY_SIZE(e)), 0);

    assert_null(addr_parse("[fe80::1%lo]:81", &a));
    assert_int_equal(addr_resolve(&a, e, ARRAY_SIZE(e)), 1);
    assert_int_equal(e[0].in6.sin6_scope_id, if_nametoindex("lo"));

    assert_null(addr_parse("[fe80::1%nosuch0]:81", &a));
    assert_int_equal(addr_resolve(&a, e, ARRAY_SIZE(e)), -ENODEV);
}

// Whatever /etc/hosts says, or if there is none.
static void test_resolve_localhost(void **state)
{
    (void)state;
    struct addr a;
    struct endpoint e[8], ip4 = endpoint_of("127.0.0.1:81"), ip6 = endpoint_of("[::1]:81");
    assert_null(addr_parse("LocalHost:81", &a));
    assert_int_equal(addr_resolve(&a, e, ARRAY_SIZE(e)), 2);
    assert_true(addr_equal(&e[0], &ip4));
    assert_true(addr_equal(&e[1], &ip6));
    assert_int_equal(addr_resolve(&a, e, 1), 1);
}

static void test_format_of_what_the_kernel_gives(void **state)
{
    (void)state;
    char text[ADDR_TEXT_MAX];
    struct endpoint mapped = ip6_of("::ffff:192.0.2.1", 80);
    assert_host(&mapped, "192.0.2.1");
    assert_string_equal(addr_format(&mapped, text), "[::ffff:192.0.2.1]:80");

    struct endpoint unnamed = {.len = sizeof(sa_family_t), .un = {.sun_family = AF_UNIX}};
    assert_string_equal(addr_format(&unnamed, text), "unix:");
    struct endpoint full = {.len = sizeof(full.un), .un = {.sun_family = AF_UNIX}};
    memset(full.un.sun_path, 'x', sizeof(full.un.sun_path)); // no NUL: unix(7)
    assert_int_equal(strlen(addr_format(&full, text)), strlen("unix:") + 108);
    memset(full.un.sun_path, '\n', sizeof(full.un.sun_path));
    full.un.sun_path[0] = '\0';
    assert_string_equal(addr_format(&full, text) + 110, "???");
    assert_true(strncmp(text, "unix:@?", 7) == 0);
}

static void test_overlaps(void **state)
{
    (void)state;
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
        if (addr_overlaps(&a, &b) != cases[i].overlaps ||
            addr_overlaps(&b, &a) != cases[i].overlaps || addr_equal(&a, &b) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
}

static void test_mapped_is_ip4(void **state)
{
    (void)state;
    struct endpoint mapped = ip6_of("::ffff:192.0.2.1", 80), any = endpoint_of("0.0.0.0:80"),
                    plain = endpoint_of("192.0.2.1:80"), any6 = endpoint_of("[::]:80");
    assert_true(addr_equal(&mapped, &plain));
    assert_true(addr_overlaps(&mapped, &plain));
    assert_true(addr_overlaps(&any, &mapped));
    assert_false(addr_overlaps(&any6, &mapped));
}

// Where a connection arrived, by its own address.
static void test_accepts(void **state)
{
    (void)state;
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
        if (addr_accepts(&a, &b) != cases[i].accepts)
            fail_msg("%s and %s", cases[i].listener, cases[i].local);
    }
    struct endpoint mapped = ip6_of("::ffff:192.0.2.1", 80), any = endpoint_of("0.0.0.0:80"),
                    plain = endpoint_of("192.0.2.1:80"), any6 = endpoint_of("[::]:80"), none = {0};
    assert_true(addr_accepts(&plain, &mapped));
    assert_true(addr_accepts(&any, &mapped));
    assert_true(addr_accepts(&any6, &mapped));
    assert_false(addr_accepts(&none, &plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_formats_as_it_was_written),
        cmocka_unit_test(test_names_and_wildcards),
        cmocka_unit_test(test_refusals_say_what_is_right),
        cmocka_unit_test(test_longest_names),
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_resolve_localhost),
        cmocka_unit_test(test_format_of_what_the_kernel_gives),
        cmocka_unit_test(test_overlaps),
        cmocka_unit_test(test_mapped_is_ip4),
        cmocka_unit_test(test_accepts),
    };
    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
