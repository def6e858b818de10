#include "support/unit.h"

#include "sys/resolve.h"

#include <errno.h>
#include <net/if.h>

static struct endpoint endpoint_of(const char *text)
{
    struct address a;
    const char *problem = address_parse(slice_of(text), &a);
    if (problem)
        fail_msg("\"%s\": %s", text, problem);
    assert_true(a.kind == ADDRESS_IP || a.kind == ADDRESS_UNIX);
    return a.endpoint;
}

TEST(test_resolve)
{
    struct address a;
    struct endpoint e[4];
    char text[ENDPOINT_TEXT_MAX];

    assert_null(address_parse(SLICE("*:81"), &a));
    assert_int_equal(resolve_address(&a, e, ARRAY_SIZE(e)), 2);
    assert_string_equal(endpoint_format(&e[0], text), "0.0.0.0:81");
    assert_string_equal(endpoint_format(&e[1], text), "[::]:81");
    assert_int_equal(resolve_address(&a, e, 1), 1);

    assert_null(address_parse(SLICE("systemd:http"), &a));
    assert_int_equal(resolve_address(&a, e, ARRAY_SIZE(e)), 0);

    assert_null(address_parse(SLICE("[fe80::1%lo]:81"), &a));
    assert_int_equal(resolve_address(&a, e, ARRAY_SIZE(e)), 1);
    assert_int_equal(e[0].in6.sin6_scope_id, if_nametoindex("lo"));

    assert_null(address_parse(SLICE("[fe80::1%nosuch0]:81"), &a));
    assert_int_equal(resolve_address(&a, e, ARRAY_SIZE(e)), -ENODEV);
}

// Whatever /etc/hosts says, or if there is none.
TEST(test_resolve_localhost)
{
    struct address a;
    struct endpoint e[8], ip4 = endpoint_of("127.0.0.1:81"), ip6 = endpoint_of("[::1]:81");
    assert_null(address_parse(SLICE("LocalHost:81"), &a));
    assert_int_equal(resolve_address(&a, e, ARRAY_SIZE(e)), 2);
    assert_true(endpoint_equal(&e[0], &ip4));
    assert_true(endpoint_equal(&e[1], &ip6));
    assert_int_equal(resolve_address(&a, e, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_resolve_localhost),
    };
    return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
