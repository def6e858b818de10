#include "support/unit.h"

#include "conf/suggest.h"

TEST(test_distance)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } cases[] = {
        {"", "", 0},         {"", "abc", 3},           {"abc", "", 3},
        {"idle", "idle", 0}, {"idel", "idle", 1},      {"timeout", "timeouts", 1},
        {"root", "rot", 1},  {"kitten", "sitting", 3}, {"ab", "ba", 1},
        {"abc", "xyz", 3},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(suggest_distance(slice_of(cases[i].a), slice_of(cases[i].b)),
                         cases[i].want);
}

TEST(test_long_words_are_far)
{
    char word[65];
    memset(word, 'a', sizeof(word));
    assert_int_equal(suggest_distance(slice_make(word, 64), slice_make(word, 64)), 0);
    assert_true(suggest_distance(slice_make(word, 65), slice_make(word, 65)) == SIZE_MAX);
}

static const char *nearest_of(const char *word)
{
    static const char *const words[] = {"run", "serve", "check", "config"};
    struct suggest n = suggest_for(slice_of(word));
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        suggest_offer(&n, slice_of(words[i]), words[i]);
    return n.best;
}

TEST(test_best)
{
    assert_string_equal(nearest_of("sevre"), "serve");
    assert_string_equal(nearest_of("confg"), "config");
    assert_string_equal(nearest_of("rnu"), "run");
    assert_null(nearest_of("stop"));
    assert_null(nearest_of(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_long_words_are_far),
        cmocka_unit_test(test_best),
    };
    return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
