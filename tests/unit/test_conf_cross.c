#include "unit.h"

#include "base/buf.h"
#include "conf/conf_load.h"

#include <stdio.h>

static const char *accept(const char *value)
{
    (void)value;
    return NULL;
}

static size_t count_stars(const char *pattern)
{
    size_t count = 0;
    for (; *pattern; pattern++)
        count += *pattern == '*';
    return count;
}

static unsigned last_dollar(const char *template)
{
    const char *dollar = strrchr(template, '$');
    return dollar ? (unsigned)(dollar[1] - '0') : 0;
}

static const struct conf_checkers checkers = {
    .check = {[0 ... CHECK_COUNT - 1] = accept},
    .captures = count_stars,
    .last_capture = last_dollar,
};

static void collect(void *context, const char *where, const char *message)
{
    char *text = context;
    size_t len = strlen(text);
    snprintf(text + len, 4096 - len, "%s: %s\n", where, message);
}

// The reports of a configuration; "" when it is good.
static const char *reports_of(const char *config, char text[static 4096])
{
    const struct conf_source source = {.file = "f", .text = config, .checkers = &checkers};
    text[0] = '\0';
    struct conf *c = conf_load(&source, collect, text);
    assert_int_equal(c == NULL, *text != '\0');
    conf_free(c);
    return text;
}

#define RULE(members) "sites = ( { root = \"/r\"; rules = (\n{ match = \"/*\"; " members "} ); } );"
#define AT            "f:2: "

static void test_rules(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {RULE("redirect = \"/b\";"), ""},
        {RULE("redirect = \"/b\"; status = 308;"), ""},
        {RULE("redirect = \"/b\"; allow = \"unix\";"), ""},
        {RULE("status = 403;"), ""},
        {RULE("status = 404; error_pages = \"404 /x\";"), ""},
        {RULE("status = 410;"), ""},
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
        {RULE("status = 301;"),
         AT "the status 301 needs a target; add e.g. redirect = \"/new/\";\n"},
        {RULE("status = 200;"),
         AT "\"status\" is 403, 404 or 410, or that of a redirect; found 200\n"},
        {RULE("status = 0;"), AT "\"status\" is 403, 404 or 410, or that of a redirect; found 0\n"},
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
        // captures
        {RULE("redirect = \"/$2\";"),
         AT "\"/$2\" has $2, but the number of wildcards (*, ** and {}) in \"/*\" is 1\n"},
        {RULE("try = [ \"/$1\", \"/$3\" ];"),
         AT "\"/$3\" has $3, but the number of wildcards (*, ** and {}) in \"/*\" is 1\n"},
        {RULE("rewrite = \"/$9\";"),
         AT "\"/$9\" has $9, but the number of wildcards (*, ** and {}) in \"/*\" is 1\n"},
        // company
        {RULE("headers = { only_ok = true; };"),
         AT "\"sites.rules.headers.only_ok\" does nothing by itself; add set, add, unset or preset "
            "to its group\n"},
        {RULE("cors = { max_age = \"1h\"; expose = \"ETag\"; };"),
         AT "\"sites.rules.cors.expose\" does nothing by itself; add origins to its group\n" AT
            "\"sites.rules.cors.max_age\" does nothing by itself; add origins to its group\n"},
        {RULE("cors = { origins = [ \"https://a\", \"*\" ]; credentials = true; };"),
         AT "browsers refuse credentials for the origin \"*\" (Fetch standard); name the origins, "
            "or remove this\n"},
        // nothing
        {RULE(""), AT "this rule does nothing; say what holds for \"/*\", or remove it\n"},
        {RULE("cach = 1;"), AT "unknown option \"sites.rules.cach\"; did you mean "
                               "\"sites.rules.cache\"?\n"},
        // all in one go
        {RULE("status = 200; } , { match = \"/b\"; "),
         AT "\"status\" is 403, 404 or 410, or that of a redirect; found 200\n" AT
            "this rule does nothing; say what holds for \"/b\", or remove it\n"},
    };
    char text[4096];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(reports_of(cases[i].text, text), cases[i].want);
}

static void test_sites(void **state)
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
    char text[4096];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(reports_of(cases[i].text, text), cases[i].want);
}

static void test_number_of_rules(void **state)
{
    static char text[64 * 1024];
    char got[4096];
    (void)state;
    for (int count = CONF_SITE_RULES_MAX; count <= CONF_SITE_RULES_MAX + 1; count++) {
        struct buf b = buf_make(text, sizeof(text) - 1);
        buf_puts(&b, "sites = ( { root = \"/r\"; rules = (\n");
        for (int i = 0; i < count; i++)
            buf_printf(&b, "%s{ match = \"/%d\"; status = 404; }", i ? ",\n" : "", i);
        buf_puts(&b, "); } );");
        text[b.len] = '\0';
        assert_false(b.overflow);
        reports_of(text, got);
        if (count == CONF_SITE_RULES_MAX)
            assert_string_equal(got, "");
        else
            assert_starts(got, "f:258: this is rule 257 of the site at line 1; ");
    }
}

static void test_watchdog(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"0", ""},
        {"3s", ""},
        {"2999ms", "f:1: \"timeouts.watchdog\" must be 0 or at least 3s\n"},
        {"1ms", "f:1: \"timeouts.watchdog\" must be 0 or at least 3s\n"},
    };
    char config[256], text[4096];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(config, sizeof(config),
                 "timeouts = { watchdog = \"%s\"; }; sites = ( { root = \"/r\"; } );",
                 cases[i].value);
        assert_string_equal(reports_of(config, text), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_of_rules),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_watchdog),
    };
    return cmocka_run_group_tests_name("conf_cross", tests, NULL, NULL);
}
