#include "base/ipaddr.h"

#include "support/unit.h"

#include <arpa/inet.h>

static void assert_as_inet_ntop(int family, const uint8_t *octets)
{
    char want[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN];
    struct buf b = buf_make(text, sizeof(text) - 1);
    if (family == AF_INET)
        ipaddr_put_v4(&b, octets);
    else
        ipaddr_put_v6(&b, octets);
    assert_false(b.overflow);
    assert_non_null(inet_ntop(family, octets, want, sizeof(want)));
    assert_slice(buf_slice(&b), want);
}

TEST(test_v4)
{
    static const uint8_t all[][4] = {
        {0, 0, 0, 0}, {255, 255, 255, 255}, {127, 0, 0, 1}, {10, 99, 100, 9}, {192, 0, 2, 200}};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        assert_as_inet_ntop(AF_INET, all[i]);
}

TEST(test_v6)
{
    static const char *const all[] = {
        "::1",
        "1::",
        "2001:db8::1",
        "2001:db8:0:1:1:1:1:1", // a single group is written
        "2001:0:0:1::1",        // the longer run
        "2001:db8::1:0:0:1",    // the first of equal ones
        "1:2:3:4:5:6:7:8",
        "fe80::abcd:ef01:2345:6789",
        "1:2:3:4:5:6::",
        "0:1:1:1:1:1:1:0",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "::1:0:0:0:0",
    };
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        uint8_t octets[16];
        assert_int_equal(inet_pton(AF_INET6, all[i], octets), 1);
        assert_as_inet_ntop(AF_INET6, octets);
    }
    char text[3];
    struct buf b = buf_make(text, sizeof(text));
    ipaddr_put_v6(&b, (const uint8_t[16]){0});
    assert_slice(buf_slice(&b), "::");
}

// musl shortens the second of two equal runs where the first one begins the address, against
// RFC 5952 section 4.2.3.
#ifdef __GLIBC__
enum { FIRST_PATTERN = 0, STEP = 1 };
#else
enum { FIRST_PATTERN = 1, STEP = 2 }; // those whose first group is not zero
#endif

// All patterns of groups that are zero or not; the last group is not, for inet_ntop() writes an
// IPv4 address then.
TEST(test_v6_zeros)
{
    for (unsigned pattern = FIRST_PATTERN; pattern < 128; pattern += STEP) {
        uint8_t octets[16] = {[0] = pattern & 1, [14] = 0xab, [15] = 1};
        for (size_t i = 0; i < 7; i++)
            octets[2 * i + 1] = pattern >> i & 1 ? 0x20 : 0;
        if (pattern >> 6 == 0 && (pattern & 63) == 0)
            continue;
        if ((pattern & 31) == 0) // ::x:y is written as IPv4
            continue;
        assert_as_inet_ntop(AF_INET6, octets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v4),
        cmocka_unit_test(test_v6),
        cmocka_unit_test(test_v6_zeros),
    };
    return cmocka_run_group_tests_name("ipaddr", tests, NULL, NULL);
}
