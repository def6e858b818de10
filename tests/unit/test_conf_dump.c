#include "support/confload.h"
#include "support/unit.h"

#include "conf/conf_dump.h"
#include "conf/conf_load.h"
#include "conf/conf_store.h"

#include <stdlib.h>

static struct conf *load(const char *text)
{
    static const struct conf_override override = {"timeouts.idle", "90s", "-o"};
    const struct conf_source source = {
        .file = "/etc/t.conf", .text = text, .overrides = &override, .override_count = 1};
    struct conf *c = conf_load(&source, fail_on_report, NULL);
    assert_non_null(c);
    return c;
}

static char *dump(const struct conf *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(conf_dump(out, c), 0);
    fclose(out);
    return text;
}

// The text of every value, which is equal exactly when the values are.
static char *values_of(const struct conf *c)
{
    char *text = dump(c), *to = text;
    bool in_string = false, in_comment = false;
    for (const char *from = text; *from; from++) {
        if (*from == '"' && from[-1] != '\\')
            in_string = !in_string;
        in_comment = *from != '\n' && (in_comment || (*from == '#' && !in_string));
        if (!in_comment)
            *to++ = *from;
    }
    *to = '\0';
    return text;
}

#define CONFIG                                                                                  \
    "user = \"a\\\"b\\\\\\x0ac\"; limits = { body = 1025; };\n"                                 \
    "timeouts = { linger = \"1500ms\"; };\n"                                                    \
    "listen = ( { address = \"*:1\"; freebind = true; }, { address = \"unix:/x#y\"; } );\n"     \
    "sites = ( { root = \"r\"; }, { names = [ \"a\", \"b\" ]; root = \"/b\"; index = [];\n"     \
    "  etag = \"off\"; symlinks = \"any\"; types = [ \"a/b c\", \"d/e f\" ];\n"                 \
    "  mounts = ( { path = \"/d/\"; root = \"d\"; } );\n"                                       \
    "  rules = ( { match = \"/a/**\"; headers = { set = [ \"X: \\\"y\\\"\" ]; only_ok = true; " \
    "};\n"                                                                                      \
    "              cache = \"no-store\"; listing = false; symlinks = \"none\"; },\n"            \
    "            { match = \"/b\"; redirect = \"/c\"; status = 308; } ); },\n"                  \
    "  { names = \"c\"; root = \"/c\"; rules = ( { match = \"/**\"; dotfiles = true;\n"         \
    "    cors = { origins = \"*\"; max_age = \"1h\"; }; } ); } );\n"

TEST(test_dump_gives_the_same_again)
{
    struct conf *first = load(CONFIG);
    char *text = dump(first);
    struct conf *second = load(text);
    char *want = values_of(first), *got = values_of(second);
    assert_string_equal(got, want);
    assert_null(strstr(got, "rewrite")); // no rule mentions it
    assert_string_equal(second->user, "a\"b\\\nc");
    assert_int_equal(second->limits.body, 1025);
    assert_int_equal(second->timeouts.linger, 1500);
    assert_int_equal(second->timeouts.idle, 90000);
    assert_true(second->listen[0].freebind);
    assert_string_equal(second->listen[1].address, "unix:/x#y");
    assert_string_equal(second->sites[0].root, "/etc/r");
    assert_int_equal(second->sites[1].names.count, 2);
    assert_int_equal(second->sites[1].index.count, 0);
    assert_int_equal(second->sites[1].etag, CONF_ETAG_OFF);
    assert_int_equal(second->sites[1].symlinks, SYMLINKS_ANY);
    assert_string_equal(second->sites[1].types.items[1], "d/e f");
    assert_int_equal(second->mount_count, 1);
    assert_string_equal(second->mounts[0].root, "/etc/d");
    assert_int_equal(second->rule_count, 3);
    assert_string_equal(second->rules[0].headers.set.items[0], "X: \"y\"");
    assert_int_equal(second->rules[0].listing, TOGGLE_OFF);
    assert_int_equal(second->rules[0].dotfiles, TOGGLE_UNSET);
    assert_int_equal(second->rules[0].symlinks, SYMLINKS_NONE);
    assert_int_equal(second->rules[1].status, 308);
    assert_int_equal(second->rules[2].site, 2);
    assert_int_equal(second->rules[2].cors.max_age, 3600000);
    free(text);
    free(want);
    free(got);
    conf_free(first);
    conf_free(second);
}

TEST(test_origins)
{
    static const struct {
        const char *setting, *origin;
    } lines[] = {
        {"workers = 0;", "default"},
        {"    body = \"1025\";", "/etc/t.conf:1"},
        {"    linger = \"1500ms\";", "/etc/t.conf:2"},
        {"    idle = \"90s\";", "-o"},
        {"        address = \"*:1\";", "/etc/t.conf:3"},
        {"        root = \"/etc/r\";", "/etc/t.conf:4"},
        {"        names = [];", "default"},
        {"        index = [];", "/etc/t.conf:4"},
        {"                match = [ \"/a/**\" ];", "/etc/t.conf:7"},
        {"                    only_ok = true;", "/etc/t.conf:7"},
        {"                listing = false;", "/etc/t.conf:8"},
        {"                root = \"/etc/d\";", "/etc/t.conf:6"},
    };
    char line[128];
    struct conf *c = load(CONFIG);
    char *text = dump(c);
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        snprintf(line, sizeof(line), "%-40s # %s\n", lines[i].setting, lines[i].origin);
        if (!strstr(text, line))
            fail_msg("no line \"%s\"", line);
    }
    free(text);
    conf_free(c);
}

TEST(test_no_room)
{
    struct conf *c = load(CONFIG);
    FILE *out = fopen("/dev/full", "we");
    assert_non_null(out);
    assert_true(conf_dump(out, c) < 0);
    fclose(out);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_gives_the_same_again),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests_name("conf_dump", tests, NULL, NULL);
}
