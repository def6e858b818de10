#include "support/guarded.h"
#include "support/unit.h"

#include "http/authority.h"

// RFC 3986 section 3.2
static const struct {
    const char *text;
    const char *host; // NULL: refused
    const char *port; // NULL: no colon
} authorities[] = {
    {"example.org", "example.org", NULL},
    {"example.org:80", "example.org", "80"},
    {"example.org:", "example.org", ""},
    {"h:0", "h", "0"},
    {"h:00080", "h", "00080"},
    {"h:65535", "h", "65535"},
    {"h:65536", NULL, NULL},
    {"h:99999999999999999999", NULL, NULL},
    {"h:8o", NULL, NULL},
    {"h:+80", NULL, NULL},
    {"h:80 ", NULL, NULL},
    {"h:80:80", NULL, NULL},
    {"", NULL, NULL},
    {":80", NULL, NULL},
    {"192.0.2.1:8080", "192.0.2.1", "8080"},
    {"a_b~!$&'()*+,;=", "a_b~!$&'()*+,;=", NULL},
    {"a%2fb", "a%2fb", NULL},
    {"a%2", NULL, NULL},
    {"a%", NULL, NULL},
    {"a%zz", NULL, NULL},
    {"a%az", NULL, NULL},
    {"a b", NULL, NULL},
    {"a/b", NULL, NULL},
    {"user@h", NULL, NULL},
    {"user:pass@h", NULL, NULL},
    {"h\x80", NULL, NULL},
    {"a\"b", NULL, NULL},
    {"[::1]", "[::1]", NULL},
    {"[2001:DB8::1]:80", "[2001:DB8::1]", "80"},
    {"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", NULL},
    {"[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", NULL},
    {"[1:2:3:4:5:6:7:8:9]", NULL, NULL},
    {"[::1", NULL, NULL},
    {"[", NULL, NULL},
    {"[]", NULL, NULL},
    {"[::1]80", NULL, NULL},
    {"[::1]x:80", NULL, NULL},
    {"[fe80::1%eth0]", NULL, NULL},
    {"[fe80::1%25eth0]", NULL, NULL},
    {"[v1.x]", NULL, NULL},
    {"[192.0.2.1]", NULL, NULL},
    {"[0000000000000000000000000000000000000000000000::1]", NULL, NULL},
    {"::1", NULL, NULL},
    {"a[::1]", NULL, NULL},
};

TEST(test_parse)
{
    for (size_t i = 0; i < ARRAY_SIZE(authorities); i++) {
        struct slice host = SLICE("?"), port = SLICE("?");
        bool ok = authority_parse(guarded_text(authorities[i].text), &host, &port);
        if (ok != !!authorities[i].host)
            fail_msg("\"%s\" is %s", authorities[i].text, ok ? "taken" : "refused");
        assert_slice(host, ok ? authorities[i].host : "?");
        assert_slice(port, ok ? authorities[i].port : "?");
        if (ok)
            assert_int_equal(!!port.ptr, !!authorities[i].port);
    }
}

TEST(test_nul_in_address)
{
    assert_false(authority_is_ipv6(guarded(SLICE("[::1\0x]"))));
    assert_true(authority_is_ipv6(guarded(SLICE("[::]"))));
    assert_false(authority_is_ipv6(guarded(SLICE("::"))));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_nul_in_address),
    };
    return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
