#include "support/guarded.h"
#include "support/unit.h"

#include "conf/conf_check.h"

typedef const char *check(struct slice text);

static void assert_good(check *function, const char *text)
{
    const char *why = function(guarded_text(text));
    if (why)
        fail_msg("%s: %s", text, why);
}

static void assert_bad(check *function, const char *text, const char *part)
{
    const char *why = function(guarded_text(text));
    if (!why || !strstr(why, part))
        fail_msg("%s: %s", text, why ? why : "good");
}

TEST(test_mode)
{
    assert_good(conf_check_mode, "660");
    assert_good(conf_check_mode, "0660");
    assert_bad(conf_check_mode, "66", "octal");
    assert_bad(conf_check_mode, "1660", "octal");
    assert_bad(conf_check_mode, "00660", "octal");
    assert_bad(conf_check_mode, "0668", "octal");
    assert_bad(conf_check_mode, "rw", "octal");
}

TEST(test_file_name)
{
    char longest[256];
    memset(longest, 'a', sizeof(longest));
    assert_null(conf_check_file_name(slice_make(longest, 255)));
    assert_non_null(conf_check_file_name(slice_make(longest, 256)));
    assert_good(conf_check_file_name, "index.html");
    assert_bad(conf_check_file_name, "a/index.html", "slash");
    assert_bad(conf_check_file_name, ".htaccess", "dot");
}

TEST(test_name_pattern)
{
    assert_good(conf_check_name_pattern, "*.{tmp,bak}");
    assert_good(conf_check_name_pattern, "file~");
    assert_bad(conf_check_name_pattern, "cache/", "slash");
    assert_bad(conf_check_name_pattern, "{a", "}");
}

TEST(test_proxy)
{
    assert_good(conf_check_proxy, "10.0.0.0/8");
    assert_good(conf_check_proxy, "unix");
    assert_bad(conf_check_proxy, "all", "your proxies");
    assert_bad(conf_check_proxy, "10.0.0.1/8", "bits");
}

TEST(test_match)
{
    assert_good(conf_check_match, "/assets/**");
    assert_bad(conf_check_match, "assets", "begin with '/'");
    assert_bad(conf_check_match, "", "begin with '/'");
    assert_bad(conf_check_match, "/{a", "}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mode),         cmocka_unit_test(test_file_name),
        cmocka_unit_test(test_name_pattern), cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_match),
    };
    return cmocka_run_group_tests_name("conf_check", tests, NULL, NULL);
}
