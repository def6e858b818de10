#include "support/unit.h"

#include "conf/conf_choice.h"

TEST(test_parse)
{
    static const struct {
        const char *words, *text;
        int want; // -1: none of them
    } cases[] = {
        {"a|bc|d", "a", 0}, {"a|bc|d", "bc", 1}, {"a|bc|d", "d", 2}, {"a|bc|d", "b", -1},
        {"a|bc|d", "", -1}, {"|a", "", 0},       {"|a", "a", 1},     {"a", "a", 0},
        {"a|b", "A", -1},   {"a|b", "a|b", -1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned value = 77;
        bool found = conf_choice_parse(cases[i].words, slice_of(cases[i].text), &value);
        assert_int_equal(found, cases[i].want >= 0);
        assert_int_equal(value, found ? (unsigned)cases[i].want : 77);
        if (found)
            assert_slice(conf_choice_word(cases[i].words, value), cases[i].text);
    }
}

TEST(test_list)
{
    static const struct {
        const char *words, *want;
    } cases[] = {
        {"a", "\"a\""},
        {"a|b", "\"a\" or \"b\""},
        {"a|b|c", "\"a\", \"b\" or \"c\""},
        {"|a|b", "\"a\" or \"b\""},
    };
    char text[64];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        conf_choice_list(&b, cases[i].words);
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

TEST(test_nearest)
{
    assert_slice(conf_choice_nearest("file|shared|off", SLICE("fil")), "file");
    assert_slice(conf_choice_nearest("file|shared|off", SLICE("Shared")), "shared");
    assert_slice(conf_choice_nearest("file|shared|off", SLICE("of")), "off");
    assert_int_equal(conf_choice_nearest("file|shared|off", SLICE("inode")).len, 0);
    assert_int_equal(conf_choice_nearest("|a", SLICE("xyz")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests_name("conf_choice", tests, NULL, NULL);
}
