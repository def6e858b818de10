#include "support/guarded.h"
#include "support/unit.h"

#include "http/hostname.h"

TEST(test_compare)
{
    static const struct {
        const char *pattern, *host;
        enum hostname_match want;
    } cases[] = {
        {"example.org", "example.org", HOST_EXACT},
        {"example.org", "EXAMPLE.Org", HOST_EXACT},
        {"Example.org", "example.org.", HOST_EXACT}, // the root's dot, RFC 1034 section 3.1
        {"example.org", "example.org..", HOST_NO_MATCH},
        {"example.org", "www.example.org", HOST_NO_MATCH},
        {"example.org", "example.or", HOST_NO_MATCH},
        {"example.org", "", HOST_NO_MATCH},
        {"example.org", ".", HOST_NO_MATCH},
        {"*.example.org", "a.example.org", HOST_SUFFIX},
        {"*.example.org", "a.b.EXAMPLE.org.", HOST_SUFFIX},
        {"*.example.org", "example.org", HOST_NO_MATCH},
        {"*.example.org", ".example.org", HOST_NO_MATCH},
        {"*.example.org", "a..example.org", HOST_NO_MATCH},
        {"*.example.org", ".a.example.org", HOST_NO_MATCH},
        {"*.example.org", "aexample.org", HOST_NO_MATCH},
        {"*.example.org", "org", HOST_NO_MATCH},
        {"*.example.org", "", HOST_NO_MATCH},
        {"192.0.2.1", "192.0.2.1", HOST_EXACT},
        {"[2001:db8::1]", "[2001:DB8::1]", HOST_EXACT},
        {"[::1]", "[::2]", HOST_NO_MATCH},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum hostname_match got = hostname_compare(guarded_text(cases[i].pattern),
                                                   guarded_text(cases[i].host));
        if (got != cases[i].want)
            fail_msg("%s, %s: %d", cases[i].pattern, cases[i].host, got);
    }
}

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

TEST(test_check)
{
    static const struct {
        const char *pattern;
        const char *why; // a word of the reason; NULL: valid
    } cases[] = {
        {"example.org", NULL},
        {"localhost", NULL},
        {"xn--bcher-kva.example", NULL},
        {"a_b.example", NULL},
        {"192.0.2.1", NULL},
        {"[::1]", NULL},
        {"*.example.org", NULL},
        {"*.org", NULL},
        {L63 ".org", NULL},
        {L63 "." L63 "." L63 "." L63, "253"},
        {L63 "a.org", "63"},
        {"", "empty"},
        {"*.", "empty"},
        {"*", "'*'"},
        {"a.*.org", "'*'"},
        {"*a.org", "'*'"},
        {"*.*.org", "'*'"},
        {"a..b", "empty label"},
        {".a", "empty label"},
        {"a.", "empty label"},
        {"-a.org", "'-'"},
        {"a-.org", "'-'"},
        {"a b", "only letters"},
        {"a/b", "only letters"},
        {"b\xc3\xbc"
         "cher.example",
         "only letters"},
        {"a:80", "port"},
        {"::1", "brackets"},
        {"[::1", "brackets"},
        {"[::1]:80", "brackets"},
        {"[a]", "brackets"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *why = hostname_check(guarded_text(cases[i].pattern));
        if (!why != !cases[i].why || (why && !strstr(why, cases[i].why)))
            fail_msg("%s: %s", cases[i].pattern, why ? why : "good");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests_name("hostname", tests, NULL, NULL);
}
