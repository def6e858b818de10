#include "support/confload.h"
#include "support/unit.h"

#include "base/buf.h"
#include "conf/conf_load.h"

#include <stdio.h>

// The reports of a configuration; "" when it is good.
static const char *reports_of(const char *config, struct reports *r)
{
    const struct conf_source source = {.file = "f", .text = config};
    r->text[0] = '\0';
    struct conf *c = conf_load(&source, reports_collect, r);
    assert_int_equal(c == NULL, r->text[0] != '\0');
    conf_free(c);
    return r->text;
}

#define RULE(members) "sites = ( { root = \"/r\"; rules = (\n{ match = \"/*\"; " members "} ); } );"
#define AT            "f:2: "

static const struct {
    const char *text, *want;
} rules[] = {
    {RULE("redirect = \"/b\";"), ""},
    {RULE("redirect = \"/b\"; status = 308;"), ""},
    {RULE("redirect = \"/b\"; allow = \"unix\";"), ""},
    {RULE("status = 403;"), ""},
    {RULE("status = 404; error_pages = \"404 /x\";"), ""},
    {RULE("status = 410;"), ""},
    {RULE("status = 204;"), ""},
    {RULE("status = 451;"), ""},
    {RULE("status = 503;"), ""},
    {RULE("status = 503; retry_after = \"1h\";"), ""},
    {RULE("status = 404; retry_after = \"1h\";"),
     AT "\"sites.rules.retry_after\" does nothing by itself; add status = 503;\n"},
    {RULE("rewrite = \"/$1\"; fallback = \"/b\";"), ""},
    {RULE("headers = { unset = \"A\"; only_ok = true; };"), ""},
    {RULE("cors = { origins = [ \"https://a\", \"https://b\" ]; credentials = true; };"), ""},
    {RULE("cors = { origins = \"*\"; credentials = false; };"), ""},
    {RULE("symlinks = \"any\";"), ""},
    {RULE("listing = false;"), ""},
    // status
    {RULE("redirect = \"/b\"; status = 404;"),
     AT "the status of a redirect is 301, 302, 303, 307 or 308; found 404\n"},
    {RULE("redirect = \"/b\"; status = 304;"),
     AT "the status of a redirect is 301, 302, 303, 307 or 308; found 304\n"},
    {RULE("status = 301;"), AT "the status 301 needs a target; add e.g. redirect = \"/new/\";\n"},
    {RULE("status = 200;"),
     AT "\"status\" is 204, 403, 404, 410, 451 or 503, or that of a redirect; found 200\n"},
    {RULE("status = 0;"),
     AT "\"status\" is 204, 403, 404, 410, 451 or 503, or that of a redirect; found 0\n"},
    {RULE("status = 600;"), AT "\"sites.rules.status\" must be between 0 and 599; found 600\n"},
    // never reached
    {RULE("redirect = \"/b\"; rewrite = \"/c\";"),
     AT "\"sites.rules.rewrite\" is never reached, for \"redirect\" ends the request; remove "
        "one of them, or make two rules\n"},
    {RULE("status = 404; try = \"/b\";"),
     AT "\"sites.rules.try\" is never reached, for \"status\" ends the request; remove one of "
        "them, or make two rules\n"},
    {RULE("redirect = \"/b\"; status = 302; fallback = \"/c\";"),
     AT "\"sites.rules.fallback\" is never reached, for \"redirect\" ends the request; remove "
        "one of them, or make two rules\n"},
    {RULE("try = \"/b\"; rewrite = \"/c\";"),
     AT "\"sites.rules.rewrite\" is never reached, for \"try\" says which file is meant; remove "
        "one of them\n"},
    // captures
    {RULE("redirect = \"/$2\";"),
     AT "\"/$2\" has $2, but the number of wildcards (*, ** and {}) in \"/*\" is 1\n"},
    {RULE("try = [ \"/$1\", \"/$3\" ];"),
     AT "\"/$3\" has $3, but the number of wildcards (*, ** and {}) in \"/*\" is 1\n"},
    {RULE("rewrite = \"/$9\";"),
     AT "\"/$9\" has $9, but the number of wildcards (*, ** and {}) in \"/*\" is 1\n"},
    {"sites = ( { root = \"/r\"; rules = (\n{ match = [ \"/*\", \"/a\", \"/b/**/{c,d}\" ]; "
     "redirect = \"/$1\"; } ); } );",
     AT "\"/$1\" has $1, but the number of wildcards (*, ** and {}) in \"/a\" is 0\n"},
    {RULE("except = [ \"/a\", \"/b/**\" ]; status = 410;"), ""},
    {RULE("except = \"a\"; status = 410;"),
     AT "\"sites.rules.except\" cannot be \"a\": paths begin with '/'; \"/**/NAME\" is a name in "
        "any directory\n"},
    {RULE("redirect = \"https://$host/$1\";"),
     AT "\"https://$host/$1\" has $host, but the site has no \"names\", one of which the host must "
        "be; add some, or write the host itself\n"},
    {"sites = ( { names = \"a\"; root = \"/r\"; rules = ( { match = \"/*\"; redirect = "
     "\"https://$host/$1\"; } ); } );",
     ""},
    // company
    {RULE("headers = { only_ok = true; };"),
     AT "\"sites.rules.headers.only_ok\" does nothing by itself; add another option "
        "to its group\n"},
    {RULE("cors = { max_age = \"1h\"; expose = \"ETag\"; };"),
     AT "\"sites.rules.cors.expose\" does nothing by itself; add origins to its group\n" AT
        "\"sites.rules.cors.max_age\" does nothing by itself; add origins to its group\n"},
    {RULE("cors = { origins = [ \"https://a\", \"*\" ]; credentials = true; };"),
     AT "browsers refuse credentials for the origin \"*\" (Fetch standard); name the origins, "
        "or remove this\n"},
    // nothing
    {RULE("except = \"/a\";"),
     AT "this rule does nothing; say what holds for \"/*\", or remove it\n"},
    {RULE(""), AT "this rule does nothing; say what holds for \"/*\", or remove it\n"},
    {RULE("cach = 1;"), AT "unknown option \"sites.rules.cach\"; did you mean "
                           "\"sites.rules.cache\"?\n"},
    // all in one go
    {RULE("status = 200; } , { match = \"/b\"; "),
     AT "\"status\" is 204, 403, 404, 410, 451 or 503, or that of a redirect; found 200\n" AT
        "this rule does nothing; say what holds for \"/b\", or remove it\n"},
};

TEST(test_rules)
{
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        assert_string_equal(reports_of(rules[i].text, &r), rules[i].want);
}

TEST(test_sites)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"sites = ( { root = \"/1\"; listen = \"*:80\"; } );", ""}, // the default
        {"listen = ( { address = \"*:1\"; }, { address = \"*:2\"; } );\n"
         "sites = ( { root = \"/1\"; listen = \"*:1\"; },\n{ root = \"/2\"; listen = \"*:2\"; } );",
         ""},
        {"listen = ( { address = \"*:1\"; }, { address = \"*:2\"; } );\n"
         "sites = ( { root = \"/1\"; names = \"a\"; listen = \"*:1\"; },\n"
         "{ root = \"/2\"; names = \"a\"; listen = \"*:2\"; } );",
         ""},
        {"listen = ( { address = \"*:1\"; }, { address = \"*:2\"; } );\n"
         "sites = ( { root = \"/1\"; listen = \"*:1\"; },\n{ root = \"/2\"; listen = [ \"*:2\", "
         "\"*:1\" ]; } );",
         "f:3: the site at f:2 has no \"names\" either; only one site can answer for all other "
         "hosts\n"},
        {"listen = ( { address = \"*:1\"; } );\n"
         "sites = ( { root = \"/1\"; names = \"a\"; },\n"
         "{ root = \"/2\"; names = \"a\"; listen = \"*:1\"; } );",
         "f:3: the site at f:2 has the name \"a\" too; a name belongs to one site\n"},
        {"listen = ( { address = \"*:1\"; }, { address = \"unix:/x\"; } );\n"
         "sites = ( { root = \"/1\";\nlisten = [ \"*:1\", \"*:3\" ]; } );",
         "f:3: \"sites.listen\" names \"*:3\", on which nothing listens; the list \"listen\" has "
         "\"*:1\", \"unix:/x\"\n"},
        {"sites = ( { root = \"/1\"; listen = \"*:81\"; } );",
         "f:1: \"sites.listen\" names \"*:81\", on which nothing listens; the list \"listen\" has "
         "\"*:80\"\n"},
        {"sites = ( { root = \"/1\"; mounts = ( { path = \"/a/\"; root = \"/a\"; },\n"
         "{ path = \"/b/\"; root = \"/b\"; },\n{ path = \"/a/\"; root = \"/c\"; } ); } );",
         "f:3: the mount at f:1 has the path \"/a/\" too; remove one\n"},
        {"sites = ( { names = \"a\"; root = \"/1\"; mounts = ( { path = \"/a/\"; root = \"/a\"; } "
         "); "
         "},\n{ root = \"/2\"; mounts = ( { path = \"/a/\"; root = \"/c\"; } ); } );",
         ""},
    };
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(reports_of(cases[i].text, &r), cases[i].want);
}

// However many a site has.
TEST(test_many_rules)
{
    static char text[64 * 1024];
    struct reports r;
    struct buf b = buf_make(text, sizeof(text) - 1);
    buf_puts(&b, "sites = ( { root = \"/r\"; rules = (\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%s{ match = \"/%d\"; status = 404; }", i ? ",\n" : "", i);
    buf_puts(&b, "); } );");
    text[b.len] = '\0';
    assert_false(b.overflow);
    assert_string_equal(reports_of(text, &r), "");
}

TEST(test_watchdog)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"0", ""},
        {"3s", ""},
        {"2999ms", "f:1: \"timeouts.watchdog\" must be 0 or at least 3s\n"},
        {"1ms", "f:1: \"timeouts.watchdog\" must be 0 or at least 3s\n"},
    };
    char config[256];
    struct reports r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(config, sizeof(config),
                 "timeouts = { watchdog = \"%s\"; }; sites = ( { root = \"/r\"; } );",
                 cases[i].value);
        assert_string_equal(reports_of(config, &r), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_rules),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests_name("conf_crosscheck", tests, NULL, NULL);
}
