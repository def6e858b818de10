#include "support/unit.h"

#include "base/address.h"

#include <string.h>

TEST(test_names_and_wildcards)
{
    static const struct {
        const char *text, *name;
        enum address_kind kind;
        uint16_t port;
    } cases[] = {
        {"*:80", "", ADDRESS_WILDCARD, 80},
        {":80", "", ADDRESS_WILDCARD, 80},
        {"*:0", "", ADDRESS_WILDCARD, 0},
        {"*:00080", "", ADDRESS_WILDCARD, 80},
        {"localhost:8080", "localhost", ADDRESS_NAME, 8080},
        {"www.example.org.:80", "www.example.org.", ADDRESS_NAME, 80},
        {"1and1.example:80", "1and1.example", ADDRESS_NAME, 80},
        {"a_b-c:80", "a_b-c", ADDRESS_NAME, 80},
        {"unix.example:80", "unix.example", ADDRESS_NAME, 80},
        {"systemd:http", "http", ADDRESS_SYSTEMD, 0},
        {"systemd:80", "80", ADDRESS_SYSTEMD, 0},
        {"systemd:tined.socket", "tined.socket", ADDRESS_SYSTEMD, 0},
        {"[fe80::1%eth0]:80", "eth0", ADDRESS_IP, 80},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct address a;
        assert_null(address_parse(slice_of(cases[i].text), &a));
        assert_int_equal(a.kind, cases[i].kind);
        assert_int_equal(a.port, cases[i].port);
        assert_string_equal(a.name, cases[i].name);
    }
}

static const struct {
    const char *text, *part; // of what is said
} refusals[] = {
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

TEST(test_refusals_say_what_is_right)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        struct address a, untouched;
        memset(&a, 0x55, sizeof(a));
        memset(&untouched, 0x55, sizeof(untouched));
        const char *problem = address_parse(slice_of(refusals[i].text), &a);
        if (!problem || !strstr(problem, refusals[i].part))
            fail_msg("\"%s\" is refused as: %s", refusals[i].text,
                     problem ? problem : "(accepted)");
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

TEST(test_longest_names)
{
    char text[512], formatted[ENDPOINT_TEXT_MAX];
    struct address a;
    assert_null(address_parse(slice_of(repeat(text, "unix:/", 'a', 106, "")), &a));
    assert_string_equal(endpoint_format(&a.endpoint, formatted), text);
    assert_non_null(
        strstr(address_parse(slice_of(repeat(text, "unix:/", 'a', 107, "")), &a), "at most 107"));
    assert_null(address_parse(slice_of(repeat(text, "unix:@", 'a', 107, "")), &a));
    assert_string_equal(endpoint_format(&a.endpoint, formatted), text);
    assert_non_null(
        strstr(address_parse(slice_of(repeat(text, "unix:@", 'a', 108, "")), &a), "at most 107"));
    assert_null(address_parse(slice_of(repeat(text, "systemd:", 'a', 255, "")), &a));
    assert_non_null(address_parse(slice_of(repeat(text, "systemd:", 'a', 256, "")), &a));
    assert_null(address_parse(slice_of(repeat(text, "", 'a', 63, ".org:80")), &a));
    assert_non_null(address_parse(slice_of(repeat(text, "", 'a', 64, ".org:80")), &a));
    assert_non_null(address_parse(slice_of(repeat(text, "", '.', 300, ":80")), &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_wildcards),
        cmocka_unit_test(test_refusals_say_what_is_right),
        cmocka_unit_test(test_longest_names),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
