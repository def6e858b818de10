#include "support/confload.h"
#include "support/unit.h"

#include "conf/conf_choice.h"
#include "conf/conf_load.h"
#include "conf/conf_options.h"
#include "conf/conf_path.h"
#include "conf/conf_store.h"
#include "conf/conf_value.h"
#include "base/num.h"

#include <stdio.h>
#include <stdlib.h>

TEST(test_rows_are_whole)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i].help);
        assert_ptr_equal(conf_options_find(slice_of(rows[i].path)), &rows[i]);
        assert_int_equal(conf_options_index(&rows[i]), i);
        assert_true(len > 10 && rows[i].help[len - 1] == '.');
        assert_true(rows[i].min <= rows[i].max);
        assert_non_null(conf_option_example(&rows[i]));
    }
}

// The path before its last dot names the option's list, or a group.
TEST(test_groups)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct slice path = slice_of(rows[i].path);
        const char *dot = strrchr(rows[i].path, '.');
        struct slice holder = slice_make(path.ptr, dot ? (size_t)(dot - path.ptr) : 0);
        const char *scope = conf_options_scope_path(rows[i].scope);
        assert_string_equal(conf_option_name(&rows[i]), dot ? dot + 1 : rows[i].path);
        assert_int_equal(conf_options_holder(path), rows[i].scope);
        assert_true(slice_equal(holder, slice_of(scope)) || conf_options_is_group(holder));
    }
}

TEST(test_lists)
{
    for (size_t i = CONF_TOP + 1; i < CONF_SCOPE_COUNT; i++) {
        const struct conf_list *list = conf_options_list_of((enum conf_scope)i);
        assert_int_equal(conf_options_list(slice_of(list->path)), i);
        assert_int_equal(conf_options_holder(slice_of(list->path)), list->parent);
        assert_string_equal(conf_options_scope_path((enum conf_scope)i), list->path);
        assert_true(list->parent < i);
    }
    assert_int_equal(conf_options_list(SLICE("rules")), CONF_TOP);
    assert_int_equal(conf_options_holder(SLICE("sitesx")), CONF_TOP);
    assert_string_equal(conf_list_name(conf_options_list_of(CONF_RULES)), "rules");
}

// The defaults of choices are words of theirs, and the words are as many as the enum has values.
TEST(test_choices)
{
    static const struct {
        const char *path;
        unsigned last;
    } enums[] = {
        {"sandbox.landlock", SANDBOX_OFF},
        {"sandbox.seccomp", SANDBOX_OFF},
        {"sites.etag", CONF_ETAG_OFF},
        {"sites.symlinks", SYMLINKS_ANY},
        {"sites.rules.symlinks", SYMLINKS_ANY},
        {"sites.rules.etag", CONF_ETAG_OFF},
        {"listen.proxy_protocol", PROXY_PROTOCOL_REQUIRE},
        {"forwarded", FORWARDED_FORWARDED},
        {"sites.rules.scheme", SCHEME_HTTPS},
        {"unknown_host", UNKNOWN_HOST_REFUSE},
        {"sites.encoded_slash", ENCODED_SLASH_SLASH},
        {"sites.rules.content_encoding", CODING_GZIP},
    };
    size_t count, choices = 0;
    const struct conf_option *rows = conf_options_all(&count);
    unsigned value;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].type != CONF_CHOICE)
            continue;
        choices++;
        assert_true(conf_choice_parse(rows[i].example, slice_of(rows[i].def), &value));
    }
    assert_int_equal(choices, ARRAY_SIZE(enums));
    for (size_t i = 0; i < ARRAY_SIZE(enums); i++) {
        const char *words = conf_options_find(slice_of(enums[i].path))->example;
        const char *last = strrchr(words, '|') + 1;
        assert_true(conf_choice_parse(words, slice_of(last), &value));
        assert_int_equal(value, enums[i].last);
    }
}

TEST(test_defaults_are_in_range)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct slice text = slice_of(rows[i].def);
        uint64_t value = rows[i].min;
        if (rows[i].type == CONF_COUNT)
            assert_true(num_parse_dec(text, UINT64_MAX, &value));
        else if (rows[i].type == CONF_SIZE)
            assert_true(num_parse_size(text, &value));
        else if (rows[i].type == CONF_TIME)
            assert_true(num_parse_time(text, &value));
        assert_true(value >= rows[i].min && value <= rows[i].max);
    }
}

// The dump and the manual open each group once.
TEST(test_groups_stand_together)
{
    size_t count, changes = 0;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 1; i < count; i++) {
        size_t here = (size_t)(conf_option_name(&rows[i]) - rows[i].path);
        size_t before = (size_t)(conf_option_name(&rows[i - 1]) - rows[i - 1].path);
        changes += here && (here != before || memcmp(rows[i].path, rows[i - 1].path, here) != 0);
    }
    // limits, timeouts, log, cache, sandbox, listen, admin, sites, rules, headers, cors, mounts
    assert_int_equal(changes, 12);
}

// Two rows for one member would be two names for one thing.
TEST(test_members_differ)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(rows[i].scope == rows[j].scope && rows[i].offset == rows[j].offset &&
                         rows[i].type != CONF_INCLUDE && rows[j].type != CONF_INCLUDE);
}

TEST(test_nearest)
{
    static const struct {
        const char *path;
        const char *want;
    } cases[] = {
        {"timeout.idle", "timeouts.idle"},
        {"thread", "threads"},
        {"Workers", "workers"},
        {"drain", "timeouts.drain"},
        {"sites.address", "listen.address"},
        {"limit", "limits"},
        {"listn", "listen"},
        {"rules", "sites.rules"},
        {"sites.rule", "sites.rules"},
        {"sites.rules.headers.sett", "sites.rules.headers.set"},
        {"sites.rules.origins", "sites.rules.cors.origins"},
        {"sites.cache", "sites.rules.cache"},
        {"frobnicate", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *got = conf_options_nearest(slice_of(cases[i].path));
        if (cases[i].want)
            assert_string_equal(got, cases[i].want);
        else
            assert_null(got);
    }
}

// Each check is that of the kind of value, which shows in the reason.
TEST(test_checks)
{
    static const struct {
        const char *path, *good, *bad, *why;
    } cases[] = {
        {"listen.address", "*:80", "80", "port"},
        {"sites.names", "*.example.org", "a b", "letters"},
        {"log.level", "info", "loud", "levels"},
        {"sites.rules.match", "/assets/**", "assets", "begin with '/'"},
        {"sites.rules.match", "/{a,b}", "/{a", "}"},
        {"sites.rules.allow", "192.0.2.0/24", "192.0.2.1/24", "prefix"},
        {"sites.precompressed", "br", "deflate", "codings"},
        {"sites.rules.headers.set", "X-A: b", "Vary: b", "headers.add"},
        {"sites.rules.headers.add", "Vary: b", "X-A", "colon"},
        {"sites.rules.headers.unset", "X-A", "X-A: b", "name"},
        {"sites.rules.headers.preset", "security", "x", "preset"},
        {"sites.rules.cache", "no-cache", " x", "blank"},
        {"sites.charset", "utf-8", "a b", "word"},
        {"sites.rules.type", "text/html", "html", "text/html"},
        {"sites.types", "a/b c", "a/b", "extensions"},
        {"sites.rules.cors.origins", "https://a", "a", "origin"},
        {"sites.rules.redirect", "/$1", "//a", "another host"},
        {"sites.rules.rewrite", "$path.html", "a", "begin with '/'"},
        {"sites.rules.fallback", "/a", "/a/", "a file"},
        {"sites.mounts.path", "/a/", "/a", "a directory"},
        {"sites.rules.error_pages", "404 /a", "4 /a", "status"},
        {"listen.mode", "0660", "rw", "octal"},
        {"sites.index", "index.htm", ".htaccess", "dot"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct conf_option *option = conf_options_find(slice_of(cases[i].path));
        assert_non_null(option);
        const char *why = option->check(slice_of(cases[i].bad));
        if (option->check(slice_of(cases[i].good)) || !why || !strstr(why, cases[i].why))
            fail_msg("%s: %s", cases[i].path, why ? why : "good");
    }
}

// ---- the example ------------------------------------------------------------------------------

static struct conf *load(const char *text)
{
    const struct conf_source source = {.file = "/t.conf", .text = text};
    return conf_load(&source, fail_on_report, NULL);
}

// conf/tined.conf.in with its options switched on: "#" followed by no space hides one.
static char *switch_on(char *text)
{
    char *to = text;
    bool at_start = true;
    for (const char *from = text; *from; from++) {
        bool hides = at_start && *from == '#' && strchr(" \n", from[1]) == NULL;
        // Inside a group the options are indented behind the sign.
        hides |= at_start && strncmp(from, "#    ", 5) == 0 && from[5] != ' ';
        at_start = *from == '\n';
        if (!hides)
            *to++ = *from;
    }
    *to = '\0';
    return text;
}

static void assert_same_value(const struct conf_option *o, const struct conf *a,
                              const struct conf *b)
{
    char texts[2][256] = {"", ""};
    const struct conf *both[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        FILE *out = fmemopen(texts[i], sizeof(texts[i]), "w");
        conf_value_print(out, o, conf_store_target(both[i], o, 0));
        fclose(out);
    }
    assert_string_equal(texts[0], texts[1]);
}

// Every option stands in the example with its default, and those of lists are named.
TEST(test_example)
{
    const char *source_directory = getenv("srcdir");
    char path[4096], *text = NULL, *all;
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    snprintf(path, sizeof(path), "%s/conf/tined.conf.in",
             source_directory ? source_directory : ".");
    assert_int_equal(conf_path_read(path, &text), 0);
    struct conf *plain = load(text);
    all = strdup(text);
    struct conf *c = load(switch_on(all));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].scope != CONF_TOP || rows[i].type == CONF_INCLUDE) {
            assert_non_null(strstr(text, conf_option_name(&rows[i])));
            continue;
        }
        if (!conf_store_origin(c, &rows[i], 0)->file)
            fail_msg("conf/tined.conf.in does not mention %s", rows[i].path);
        assert_same_value(&rows[i], c, plain);
    }
    assert_string_equal(c->listen[0].address, plain->listen[0].address);
    free(all);
    free(text);
    conf_free(c);
    conf_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_whole),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_defaults_are_in_range),
        cmocka_unit_test(test_groups_stand_together),
        cmocka_unit_test(test_members_differ),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_example),
    };
    return cmocka_run_group_tests_name("conf_options", tests, NULL, NULL);
}
