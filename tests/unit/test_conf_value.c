#include "support/unit.h"

#include "conf/conf.h"
#include "conf/conf_value.h"

#include <errno.h>
#include <stdlib.h>

// The value that an option has after `text` was given on the command line, as libconfig text.
// On failure "!" and the message.
static const char *set(const char *path, const struct conf_raw *raw, char *shown, size_t size)
{
    union {
        uint64_t number;
        bool boolean;
        char *string;
        struct conf_strings strings;
        enum toggle switched;
        unsigned choice;
    } target = {.strings = {NULL, 0}};
    const struct conf_option *option = conf_options_find(slice_of(path));
    char message[CONF_MESSAGE_MAX];
    memset(shown, 0, size);
    FILE *out = fmemopen(shown, size, "w");
    if (conf_value_set(option, &target, raw, "/base", message) < 0)
        fprintf(out, "!%s", message);
    else
        conf_value_print(out, option, &target);
    fclose(out);
    conf_value_clear(option, &target);
    return shown;
}

TEST(test_text)
{
    static const struct {
        const char *path, *text, *want;
    } cases[] = {
        {"threads", "7", "7"},
        {"limits.body", "2048", "\"2K\""},
        {"limits.body", "3M", "\"3M\""},
        {"limits.body", "99999999999999999999",
         "!\"limits.body\" must be a size, in bytes or with a unit (K, M, G), e.g. \"64K\"; found "
         "\"99999999999999999999\""},
        {"timeouts.idle", "90s", "\"90s\""},
        {"timeouts.idle", "2min", "\"2min\""},
        {"timeouts.idle", "0", "!\"timeouts.idle\" must be between 10ms and 1d; found \"0\""},
        {"timeouts.drain", "0", "\"0\""},
        {"server_header", "false", "false"},
        {"user", "a\"b\\c\n", "\"a\\\"b\\\\c\\x0a\""},
        {"group", "", "\"\""},
        {"mime_types", "./m", "\"/base/m\""},
        {"control", "c.sock", "\"/base/c.sock\""},
        {"control", "", "\"\""}, // none
        {"log.access", "stdout", "\"stdout\""},
        {"log.access", "journal", "\"journal\""},
        {"log.access", "logs/a", "\"/base/logs/a\""},
        {"listen.mode", "0660", "\"0660\""},
        {"listen.mode", "660", "\"660\""},
        {"sites.etag", "digest", "\"digest\""},
        {"sites.etag", "Digest",
         "!\"sites.etag\" must be \"file\", \"shared\", \"digest\" or \"off\"; found \"Digest\"; "
         "did "
         "you mean \"digest\"?"},
        {"sites.etag", "sha256",
         "!\"sites.etag\" must be \"file\", \"shared\", \"digest\" or \"off\"; found \"sha256\""},
        {"sites.symlinks", "none", "\"none\""},
        {"sites.rules.symlinks", "",
         "!\"sites.rules.symlinks\" must be \"beneath\", \"none\" or \"any\"; found \"\""},
        {"sites.rules.listing", "true", "true"},
        {"sites.rules.listing", "false", "false"},
        {"sites.rules.listing", "yes",
         "!\"sites.rules.listing\" must be true or false; found \"yes\""},
        {"sites.rules.cache", "", "!\"sites.rules.cache\" must not be empty"},
        {"sites.charset", "", "\"\""},
        {"sites.index", "x",
         "!\"sites.index\" must be a list of strings, e.g. [ \"index.html\", "
         "\"index.htm\" ]; found \"x\""},
        {"listen.mode", "6600",
         "!\"listen.mode\" cannot be \"6600\": write the permissions in octal, e.g. \"0660\""},
    };
    char shown[1024];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct conf_raw raw = {.kind = RAW_TEXT, .text = cases[i].text};
        assert_string_equal(set(cases[i].path, &raw, shown, sizeof(shown)), cases[i].want);
    }
}

TEST(test_strings)
{
    static const char *const names[] = {"a", "*.b"}, *const empty[] = {""};
    const struct conf_raw two = {.kind = RAW_STRINGS, .items = names, .count = 2},
                          none = {.kind = RAW_STRINGS, .items = names, .count = 0},
                          blank = {.kind = RAW_STRINGS, .items = empty, .count = 1},
                          one = {.kind = RAW_STRING, .text = "c"};
    char shown[1024];
    assert_string_equal(set("sites.names", &two, shown, sizeof(shown)), "[ \"a\", \"*.b\" ]");
    assert_string_equal(set("sites.names", &none, shown, sizeof(shown)), "[]");
    assert_string_equal(set("sites.names", &one, shown, sizeof(shown)), "[ \"c\" ]");
    assert_string_equal(set("sites.names", &blank, shown, sizeof(shown)),
                        "!\"sites.names\" must not be empty");
}

TEST(test_kinds)
{
    const struct conf_raw number = {.kind = RAW_NUMBER, .number = 1},
                          truth = {.kind = RAW_BOOL, .number = 1};
    char shown[1024];
    assert_string_equal(set("sites.rules.dotfiles", &truth, shown, sizeof(shown)), "true");
    assert_string_equal(set("sites.rules.dotfiles", &number, shown, sizeof(shown)),
                        "!\"sites.rules.dotfiles\" must be true or false; found 1");
    assert_string_equal(
        set("sites.etag", &truth, shown, sizeof(shown)),
        "!\"sites.etag\" must be \"file\", \"shared\", \"digest\" or \"off\"; found "
        "true");
}

TEST(test_unset)
{
    enum toggle on = TOGGLE_ON;
    enum symlinks links = SYMLINKS_ANY;
    conf_value_set_default(conf_options_find(SLICE("sites.rules.listing")), &on);
    conf_value_set_default(conf_options_find(SLICE("sites.rules.symlinks")), &links);
    assert_int_equal(on, TOGGLE_UNSET);
    assert_int_equal(links, SYMLINKS_UNSET);
    conf_value_set_default(conf_options_find(SLICE("sites.symlinks")), &links);
    assert_int_equal(links, SYMLINKS_BENEATH);
}

TEST(test_failure_leaves_the_value)
{
    const struct conf_option *user = conf_options_find(SLICE("user"));
    const struct conf_raw good = {.kind = RAW_STRING, .text = "w"},
                          bad = {.kind = RAW_STRING, .text = ""};
    char message[CONF_MESSAGE_MAX], *value = NULL;
    assert_int_equal(conf_value_set_default(user, &value), 0);
    assert_string_equal(value, "tined");
    assert_int_equal(conf_value_set(user, &value, &good, "/base", message), 0);
    assert_int_equal(conf_value_set(user, &value, &bad, "/base", message), -EINVAL);
    assert_string_equal(value, "w");
    conf_value_clear(user, &value);
    assert_null(value);
}

TEST(test_too_long)
{
    char text[300], shown[1024];
    static char long_text[2050];
    const char *items[] = {"X-A: b", long_text};
    const struct conf_raw raw = {.kind = RAW_STRING, .text = text},
                          listed = {.kind = RAW_STRINGS, .items = items, .count = 2};
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_string_equal(set("user", &raw, shown, sizeof(shown)),
                        "!\"user\" must not be longer than 255 bytes; this one has 299");
    assert_string_equal(set("server_header", &raw, shown, sizeof(shown)),
                        "!\"server_header\" must be true or false; found "
                        "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"");
    memset(long_text, 'x', sizeof(long_text) - 1);
    assert_string_equal(set("sites.rules.headers.set", &listed, shown, sizeof(shown)),
                        "!\"sites.rules.headers.set\" must not be longer than 2048 bytes; this one "
                        "has 2049");
    items[0] = text;
    assert_non_null(strstr(set("sites.index", &listed, shown, sizeof(shown)), "255 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_unset),
        cmocka_unit_test(test_failure_leaves_the_value),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests_name("conf_value", tests, NULL, NULL);
}
