#include "unit.h"

static void test_equal(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("abc"), SLICE("abc")));
    assert_false(slice_equal(SLICE("abc"), SLICE("abC")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ab")));
    assert_true(slice_equal(SLICE(""), (struct slice){NULL, 0}));
    assert_true(slice_equal_nocase(SLICE("aBc-[9"), SLICE("AbC-[9")));
    // Only letters have case: '[' and '{' differ by the same bit.
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_equal_nocase(SLICE("a"), SLICE("ab")));
}

static void test_starts_and_ends(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("/a/b"), SLICE("/a")));
    assert_true(slice_starts_with(SLICE("/a"), SLICE("")));
    assert_false(slice_starts_with(SLICE("/a"), SLICE("/a/")));
    assert_true(slice_ends_with_nocase(SLICE("x.HTML"), SLICE(".html")));
    assert_false(slice_ends_with_nocase(SLICE("html"), SLICE(".html")));
}

static void test_find_and_trim(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("a,b"), ','), 1);
    assert_int_equal(slice_find(SLICE("ab"), ','), -1);
    assert_int_equal(slice_find((struct slice){NULL, 0}, ','), -1);
    assert_slice(slice_trim(SLICE(" \t a b\t ")), "a b");
    assert_slice(slice_trim(SLICE(" \t ")), "");
    assert_slice(slice_trim(SLICE("\r a")), "\r a");
}

static void test_split(void **state)
{
    (void)state;
    struct slice rest = SLICE("a,,b,");
    const char *parts[] = {"a", "", "b", ""};
    size_t n = 0;
    while (rest.ptr) {
        assert_true(n < ARRAY_SIZE(parts));
        assert_slice(slice_split(&rest, ','), parts[n++]);
    }
    assert_int_equal(n, ARRAY_SIZE(parts));
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0);
    assert_int_equal(slice_compare(SLICE(""), SLICE("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),         cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_find_and_trim), cmocka_unit_test(test_split),
        cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
