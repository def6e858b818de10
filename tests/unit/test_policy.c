#include "support/guarded.h"
#include "support/unit.h"

#include "http/policy.h"

TEST(test_directives)
{
    static const struct {
        const char *policy, *name, *want;
    } cases[] = {
        {"frame-ancestors 'self'; object-src 'none'", "frame-ancestors", "frame-ancestors 'self'"},
        {"object-src 'none' ;frame-ancestors  'self' a.test ", "frame-ancestors",
         "frame-ancestors  'self' a.test"},
        {"; ;Base-URI 'none'", "base-uri", "Base-URI 'none'"}, // names have no case
        {"frame-ancestorsx 'self'", "frame-ancestors", ""},
        {"upgrade-insecure-requests", "upgrade-insecure-requests", "upgrade-insecure-requests"},
        {"", "base-uri", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_slice(policy_directive(guarded_text(cases[i].policy), slice_of(cases[i].name)),
                     cases[i].want);
}

TEST(test_lost)
{
    static const struct {
        const char *before, *after, *want;
    } cases[] = {
        {"a 1; b 2; c", "b 3", "a, c"},
        {"a 1; b 2", "B x; a", ""},
        {"", "a", ""},
        {"a", "", "a"},
    };
    char text[64];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        policy_put_lost(&b, guarded_text(cases[i].before), guarded_text(cases[i].after));
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directives),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
