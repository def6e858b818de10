#include "support/guarded.h"
#include "support/unit.h"

#include "http/etag.h"

// RFC 9110 section 8.8.3
TEST(test_parse)
{
    static const struct {
        const char *text;
        bool ok, weak;
    } cases[] = {
        {"\"a\"", true, false},    {"\"\"", true, false},      {"W/\"a\"", true, true},
        {"\"a,b\"", true, false},  {"\"\x80!\"", true, false}, {"", false, false},
        {"\"", false, false},      {"\"a", false, false},      {"a", false, false},
        {"w/\"a\"", false, false}, {"W/", false, false},       {"W/a", false, false},
        {"W\"a\"", false, false},  {"\"a b\"", false, false},  {"\"a\"b\"", false, false},
        {"\"a\" ", false, false},  {"\"\x7f\"", false, false}, {"*", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct etag tag = {.weak = false};
        bool ok = etag_parse(guarded_text(cases[i].text), &tag);
        if (ok != cases[i].ok || tag.weak != cases[i].weak)
            fail_msg("%s", cases[i].text);
    }
    struct etag tag;
    assert_false(etag_parse((struct slice){NULL, 0}, &tag));
    assert_true(etag_parse(SLICE("W/\"x\""), &tag));
    assert_slice(tag.opaque, "\"x\"");
}

// RFC 9110 section 5.6.1: lists
TEST(test_next)
{
    static const struct {
        const char *list;
        size_t count; // tags read before the end or a fault
    } cases[] = {
        {"\"a\"", 1},
        {"\"a\",\"b\"", 2},
        {" ,\t, \"a,b\" ,, W/\"c\" ,", 2},
        {"", 0},
        {",", 0},
        {"\"a\" \"b\"", 0},
        {"\"a\", b, \"c\"", 1},
        {"\"a\", *", 1},
        {"*", 0},
        {"\"a\", \"b", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice list = guarded_text(cases[i].list);
        struct etag tag;
        size_t count = 0;
        while (etag_next(&list, &tag))
            count++;
        if (count != cases[i].count)
            fail_msg("%s: %zu", cases[i].list, count);
    }
}

// RFC 9110 section 8.8.3.2, its table of examples
TEST(test_compare)
{
    static const struct {
        const char *a, *b;
        bool strong, weak;
    } cases[] = {
        {"W/\"1\"", "W/\"1\"", false, true}, {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", false, true},   {"\"1\"", "\"1\"", true, true},
        {"\"1\"", "\"2\"", false, false},    {"\"a\"", "\"A\"", false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct etag a, b;
        assert_true(etag_parse(guarded_text(cases[i].a), &a));
        assert_true(etag_parse(guarded_text(cases[i].b), &b));
        assert_int_equal(etag_equal_strong(a, b), cases[i].strong);
        assert_int_equal(etag_equal_strong(b, a), cases[i].strong);
        assert_int_equal(etag_equal_weak(a, b), cases[i].weak);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests_name("etag", tests, NULL, NULL);
}
