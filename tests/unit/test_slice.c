#include "support/unit.h"

TEST(test_equal)
{
    assert_true(slice_equal(SLICE("abc"), SLICE("abc")));
    assert_false(slice_equal(SLICE("abc"), SLICE("abC")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ab")));
    assert_true(slice_equal(SLICE(""), (struct slice){NULL, 0}));
    assert_true(slice_equal_nocase(SLICE("aBc-[9"), SLICE("AbC-[9")));
    // Only letters have case: '[' and '{' differ by the same bit.
    assert_false(slice_equal_nocase(SLICE("["), SLICE("{")));
    assert_false(slice_equal_nocase(SLICE("a"), SLICE("ab")));
}

TEST(test_starts_and_ends)
{
    assert_true(slice_starts_with(SLICE("/a/b"), SLICE("/a")));
    assert_true(slice_starts_with(SLICE("/a"), SLICE("")));
    assert_false(slice_starts_with(SLICE("/a"), SLICE("/a/")));
    assert_true(slice_ends_with_nocase(SLICE("x.HTML"), SLICE(".html")));
    assert_false(slice_ends_with_nocase(SLICE("html"), SLICE(".html")));
    assert_true(slice_starts_with_nocase(SLICE("Text/html"), SLICE("text/")));
    assert_false(slice_starts_with_nocase(SLICE("text"), SLICE("text/")));
}

TEST(test_find_and_trim)
{
    assert_int_equal(slice_find(SLICE("a,b"), ','), 1);
    assert_int_equal(slice_find(SLICE("ab"), ','), -1);
    assert_int_equal(slice_find((struct slice){NULL, 0}, ','), -1);
    assert_true(slice_has_control(SLICE("a\x7f")) && slice_has_control(SLICE("\0")));
    assert_false(slice_has_control(SLICE("a \x80")) || slice_has_control(SLICE("")));
    assert_slice(slice_trim(SLICE(" \t a b\t ")), "a b");
    assert_slice(slice_trim(SLICE(" \t ")), "");
    assert_slice(slice_trim(SLICE("\r a")), "\r a");
}

TEST(test_split)
{
    struct slice rest = SLICE("a,,b,");
    const char *parts[] = {"a", "", "b", ""};
    size_t n = 0;
    while (rest.ptr) {
        assert_true(n < ARRAY_SIZE(parts));
        assert_slice(slice_split(&rest, ','), parts[n++]);
    }
    assert_int_equal(n, ARRAY_SIZE(parts));
}

TEST(test_compare)
{
    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0);
    assert_int_equal(slice_compare(SLICE(""), SLICE("")), 0);
}

TEST(test_digits)
{
    assert_true(slice_is_digit('0') && slice_is_digit('9'));
    assert_false(slice_is_digit('/') || slice_is_digit(':') || slice_is_digit('\0'));
    assert_false(slice_is_digit('\xb2')); // superscript two in Latin-1
}

TEST(test_lower)
{
    assert_int_equal(slice_lower('A'), 'a');
    assert_int_equal(slice_lower('Z'), 'z');
    assert_int_equal(slice_lower('@'), '@');
    assert_int_equal(slice_lower('['), '[');
    assert_int_equal(slice_lower('\xc4'), 0xc4); // a number, not a negative one
}

TEST(test_words)
{
    struct slice rest = SLICE(" \t one\ttwo  three \t");
    assert_slice(slice_cut_word(&rest), "one");
    assert_slice(rest, "two  three");
    assert_slice(slice_cut_word(&rest), "two");
    assert_slice(slice_cut_word(&rest), "three");
    assert_slice(rest, "");
    assert_slice(slice_cut_word(&rest), "");
    rest = slice_make(NULL, 0);
    assert_slice(slice_cut_word(&rest), "");
}

TEST(test_last)
{
    assert_slice(slice_last(SLICE("a/b/c"), '/'), "c");
    assert_slice(slice_last(SLICE("a/b/"), '/'), "");
    assert_slice(slice_last(SLICE("a"), '/'), "a");
    assert_int_equal(slice_last(slice_make(NULL, 0), '/').len, 0);
}

TEST(test_hash)
{
    // As the authors of FNV publish them.
    assert_int_equal(slice_hash(SLICE(""), 0), 0x811c9dc5);
    assert_int_equal(slice_hash(SLICE("a"), 0), 0xe40c292c);
    assert_int_equal(slice_hash(SLICE("foobar"), 0), 0xbf9cf968);
    assert_int_not_equal(slice_hash(SLICE("a"), 1), slice_hash(SLICE("a"), 0));
}

TEST(test_prefix)
{
    struct slice rest = SLICE("HTTP://a");
    assert_false(slice_cut_prefix_nocase(&rest, SLICE("https://")));
    assert_slice(rest, "HTTP://a");
    assert_true(slice_cut_prefix_nocase(&rest, SLICE("http://")));
    assert_slice(rest, "a");
    assert_false(slice_cut_prefix_nocase(&rest, SLICE("ab")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),         cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_find_and_trim), cmocka_unit_test(test_split),
        cmocka_unit_test(test_compare),       cmocka_unit_test(test_digits),
        cmocka_unit_test(test_lower),         cmocka_unit_test(test_words),
        cmocka_unit_test(test_last),          cmocka_unit_test(test_hash),
        cmocka_unit_test(test_prefix),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
