#include "support/confload.h"
#include "support/unit.h"

#include "conf/conf_advice.h"

#include <stdio.h>

static const char *advice_on(const char *config, struct reports *r)
{
    const struct conf_source source = {.file = "f", .text = config};
    r->text[0] = '\0';
    struct conf *c = conf_load(&source, reports_collect, r);
    assert_string_equal(r->text, "");
    conf_advise(c, reports_collect, r);
    conf_free(c);
    return r->text;
}

// Two rules, on lines 2 and 3.
#define RULES(one, two) "sites = ( { root = \"/r\"; rules = (\n{ " one " },\n{ " two " } ); } );"
#define NEVER(option)                                                                          \
    "f:2: \"sites.rules." option "\" never counts: the rule at f:3 matches all that this one " \
    "does, and of several the last counts; put the general one first\n"

TEST(test_rules_that_never_count)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {RULES("match = \"/a\"; type = \"a/a\";", "match = \"/**\"; type = \"b/b\";"),
         NEVER("type")},
        {RULES("match = \"/**\"; type = \"a/a\";", "match = \"/a\"; type = \"b/b\";"), ""},
        {RULES("match = \"/a\"; type = \"a/a\";", "match = \"/**\"; cache = \"b\";"), ""},
        {RULES("match = \"/a/*\"; redirect = \"/$1\";", "match = \"/a/**\"; status = 410;"),
         NEVER("redirect")},
        {RULES("match = \"/a\"; status = 404;", "match = \"/a\"; redirect = \"/\";"),
         NEVER("status")},
        {RULES("match = \"/a\"; rewrite = \"/b\"; listing = true;",
               "match = \"/**\"; try = \"$path\"; listing = false;"),
         NEVER("rewrite") NEVER("listing")},
        {RULES("match = \"/a\"; fallback = \"/b\";", "match = \"/**\"; fallback = \"/c\";"),
         NEVER("fallback")},
        {RULES("match = \"/a\"; cors = { origins = \"*\"; };",
               "match = \"/**\"; cors = { origins = \"https://a\"; };"),
         NEVER("cors.origins")},
        // Several patterns, and exceptions.
        {RULES("match = [ \"/a/1\", \"/b\" ]; cache = \"a\";",
               "match = [ \"/b\", \"/a/**\" ]; cache = \"b\";"),
         NEVER("cache")},
        {RULES("match = [ \"/a/1\", \"/c\" ]; cache = \"a\";",
               "match = [ \"/b\", \"/a/**\" ]; cache = \"b\";"),
         ""},
        {RULES("match = \"/a\"; cache = \"a\";",
               "match = \"/**\"; except = \"/a\"; cache = \"b\";"),
         ""},
        {RULES("match = \"/a/**\"; except = \"/a/b/**\"; cache = \"a\";",
               "match = \"/**\"; except = \"/a/b/c\"; cache = \"b\";"),
         NEVER("cache")},
        // A scheme is a condition.
        {RULES("match = \"/a\"; cache = \"a\";",
               "match = \"/**\"; scheme = \"https\"; cache = \"b\";"),
         ""},
        {RULES("match = \"/a\"; scheme = \"https\"; cache = \"a\";",
               "match = \"/**\"; cache = \"b\";"),
         NEVER("cache")},
        // Of another site.
        {"sites = ( { names = \"a\"; root = \"/r\"; rules = ( { match = \"/a\"; status = 404; } ); "
         "},\n{ root = \"/r\"; rules = ( { match = \"/a\"; status = 410; } ); } );",
         ""},
    };
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(advice_on(cases[i].text, &r), cases[i].want);
}

#define LOSES(at, what)                                                                       \
    "f:" at                                                                                   \
    ": the Content-Security-Policy of this rule takes the place of the preset's as a whole, " \
    "and loses " what "; add what you want to keep\n"

TEST(test_policies)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {RULES("match = \"/**\"; headers = { preset = \"security\"; };",
               "match = \"/a/**\"; headers = { set = \"Content-Security-Policy: script-src "
               "'self'\"; };"),
         LOSES("3", "frame-ancestors, object-src, base-uri")},
        {RULES("match = \"/**\"; headers = { preset = \"security\"; set = "
               "\"content-security-policy: Base-URI 'none'; object-src 'self'\"; };",
               "match = \"/a\"; status = 404;"),
         LOSES("2", "frame-ancestors")},
        {RULES(
             "match = \"/**\"; headers = { preset = \"security\"; };",
             "match = \"/a\"; headers = { set = \"Content-Security-Policy: frame-ancestors 'none'; "
             "object-src 'none'; base-uri 'none'\"; };"),
         ""},
        {RULES("match = \"/a/**\"; headers = { preset = \"security\"; };",
               "match = \"/b/**\"; headers = { set = \"Content-Security-Policy: x\"; };"),
         ""},
        {RULES("match = \"/**\"; headers = { preset = \"security\"; };",
               "match = \"/a\"; headers = { add = \"Content-Security-Policy: x\"; };"),
         ""}, // browsers hold both
    };
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(advice_on(cases[i].text, &r), cases[i].want);
}

#define LISTEN(mode)                                                                               \
    "listen = ( { address = \"*:80\"; },\n{ address = \"*:81\"; proxy_protocol = \"" mode "\"; } " \
    ");"
#define SITES          "sites = ( { root = \"/r\"; } );"
#define TRUSTED(texts) "trusted_proxies = [ " texts " ];"
#define ALLOWED(text) \
    RULES("match = \"/a\"; allow = \"" text "\";", "match = \"/b\"; status = 404;")
#define LET_IN(client, proxy)                                                                  \
    "f:2: \"sites.rules.allow\" names \"" client "\", and \"trusted_proxies\" \"" proxy "\": " \
    "clients of whom such a proxy says nothing are taken for it, and let in\n"

TEST(test_proxies)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {SITES LISTEN("off"), ""},
        {SITES LISTEN("accept"),
         "f:2: \"listen.proxy_protocol\" takes a PROXY header from trusted_proxies only, and there "
         "are none: name the networks of your proxies\n"},
        {SITES LISTEN("require"),
         "f:2: \"listen.proxy_protocol\" believes whoever connects, for trusted_proxies names "
         "nobody: name the networks of your proxies, unless nobody else gets here\n"},
        {SITES TRUSTED("\"10.0.0.1\"") LISTEN("require"), ""},
        {TRUSTED("\"10.0.0.1\"") ALLOWED("192.0.2.0/24"), ""},
        {TRUSTED("\"10.0.0.1\"") ALLOWED("all"), ""},
        {TRUSTED("\"10.0.0.1\"") ALLOWED("unix"), ""},
        {TRUSTED("\"10.0.0.1\"") ALLOWED("10.0.0.0/8"), LET_IN("10.0.0.0/8", "10.0.0.1")},
        {TRUSTED("\"::1\", \"10.0.0.0/8\"") ALLOWED("10.1.1.1"), LET_IN("10.1.1.1", "10.0.0.0/8")},
        {TRUSTED("\"unix\"") "forwarded = \"forwarded\";" ALLOWED("unix"), LET_IN("unix", "unix")},
        {TRUSTED("\"unix\"") SITES,
         "f:1: \"trusted_proxies\" names \"unix\": if that is HAProxy, it adds no X-Forwarded-For "
         "for clients of its own UNIX sockets and passes on theirs; have it delete the field first "
         "(http-request del-header x-forwarded-for)\n"},
    };
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(advice_on(cases[i].text, &r), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_that_never_count),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_proxies),
    };
    return cmocka_run_group_tests_name("conf_advice", tests, NULL, NULL);
}
