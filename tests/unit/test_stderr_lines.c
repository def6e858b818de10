#include "support/unit.h"

#include "daemon/stderr_lines.h"

static struct stderr_lines lines;
static struct stderr_line line;

static int setup(void **state)
{
    (void)state;
    stderr_lines_init(&lines, 0);
    return 0;
}

static bool next(struct slice *bytes, int64_t now)
{
    return stderr_lines_next(&lines, bytes, now, &line);
}

TEST(test_lines)
{
    struct slice bytes = SLICE("one\n\n\ntwo\nthr");
    assert_true(next(&bytes, 0));
    assert_string_equal(line.text, "one");
    assert_true(next(&bytes, 0));
    assert_string_equal(line.text, "two");
    assert_false(next(&bytes, 0));
    assert_int_equal(bytes.len, 0);
    bytes = SLICE("ee\nfour");
    assert_true(next(&bytes, 0));
    assert_string_equal(line.text, "three");
    assert_false(next(&bytes, 0));
    assert_true(stderr_lines_end(&lines, 0, &line));
    assert_string_equal(line.text, "four");
    assert_false(stderr_lines_end(&lines, 0, &line));
}

TEST(test_texts)
{
    static const struct {
        struct slice bytes;
        enum log_level level;
        const char *want;
    } cases[] = {
        {SLICE("free(): invalid pointer\n"), LOG_LEVEL_WARN, "free(): invalid pointer"},
        {SLICE("<3>no\n"), LOG_LEVEL_ERR, "no"},
        {SLICE("<4>no\n"), LOG_LEVEL_WARN, "no"},
        {SLICE("<5>no\n"), LOG_LEVEL_NOTICE, "no"},
        {SLICE("<6>no\n"), LOG_LEVEL_INFO, "no"},
        {SLICE("<7>no\n"), LOG_LEVEL_DEBUG, "no"},
        // Neither the system's alarms, nor another facility, nor a priority behind a priority.
        {SLICE("<0>no\n"), LOG_LEVEL_WARN, "<0>no"},
        {SLICE("<2>no\n"), LOG_LEVEL_WARN, "<2>no"},
        {SLICE("<8>no\n"), LOG_LEVEL_WARN, "<8>no"},
        {SLICE("<30>no\n"), LOG_LEVEL_WARN, "<30>no"},
        {SLICE(" <3>no\n"), LOG_LEVEL_WARN, " <3>no"},
        {SLICE("<6><0>no\n"), LOG_LEVEL_INFO, "<0>no"},
        {SLICE("<3\n"), LOG_LEVEL_WARN, "<3"},
        // Nothing that moves a cursor, ends an entry or a string.
        {SLICE("a\x1b[2J\rb\0c\td\x7f\n"), LOG_LEVEL_WARN, "a\\x1b[2J\\x0db\\x00c\\x09d\\x7f"},
        {SLICE("a\xc2\x9b"
               "2J\xe2\x80\xa8\n"),
         LOG_LEVEL_WARN, "a\\xc2\\x9b2J\\xe2\\x80\\xa8"},
        {SLICE("\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf\xd8\x9c\n"), LOG_LEVEL_WARN,
         "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xef\\xbb\\xbf\\xd8\\x9c"},
        // UTF-8, and not: a lone byte, an overlong slash, a surrogate.
        {SLICE("\xc3\xa9 \xf0\x9f\x92\xa5\n"), LOG_LEVEL_WARN, "\xc3\xa9 \xf0\x9f\x92\xa5"},
        {SLICE("\xe9 \xc0\xaf \xed\xa0\x80 \xf0\x9f\n"), LOG_LEVEL_WARN,
         "\\xe9 \\xc0\\xaf \\xed\\xa0\\x80 \\xf0\\x9f"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice bytes = cases[i].bytes;
        assert_true(next(&bytes, 0));
        assert_string_equal(line.text, cases[i].want);
        assert_int_equal(line.level, cases[i].level);
    }
}

// However a long line comes, one line of it is shown.
TEST(test_long_lines)
{
    static const size_t steps[] = {1, 7, 5000};
    static char text[5000];
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        memset(text, 'x', sizeof(text));
        for (size_t at = 0; at < sizeof(text); at += steps[i]) {
            struct slice bytes = slice_make(text + at, MIN(steps[i], sizeof(text) - at));
            assert_false(next(&bytes, 0));
        }
        struct slice bytes = SLICE("y\nnext\n");
        assert_true(next(&bytes, 0));
        assert_in_range(strlen(line.text), STDERR_LINES_MAX - 20, STDERR_LINES_MAX + 3);
        assert_contains(line.text, "xxx…");
        assert_true(next(&bytes, 0));
        assert_string_equal(line.text, "next");
    }
    memset(text, '\x01', STDERR_LINES_MAX / 2);
    text[STDERR_LINES_MAX / 2] = '\n';
    struct slice bytes = slice_make(text, STDERR_LINES_MAX / 2 + 1);
    assert_true(next(&bytes, 0));
    assert_in_range(strlen(line.text), STDERR_LINES_MAX - 20, STDERR_LINES_MAX + 3);
    assert_contains(line.text, "\\x01…");
}

// How many of so many lines pass.
static unsigned count_passed(unsigned count, int64_t now)
{
    unsigned passed = 0;
    for (unsigned i = 0; i < count; i++) {
        struct slice bytes = SLICE("x\n");
        passed += next(&bytes, now);
    }
    return passed;
}

TEST(test_too_many)
{
    assert_int_equal(count_passed(1000, 0), STDERR_LINES_BURST);
    assert_int_equal(stderr_lines_take_dropped(&lines), 1000 - STDERR_LINES_BURST);
    assert_int_equal(stderr_lines_take_dropped(&lines), 0);
    assert_int_equal(count_passed(1000, 30), 0);
    assert_int_equal(count_passed(1000, 1000), STDERR_LINES_RATE);
    assert_int_equal(count_passed(1000, 1500), STDERR_LINES_RATE / 2);
    assert_int_equal(count_passed(1000, 1000000), STDERR_LINES_BURST);
    unsigned passed = 0;
    for (int64_t now = 1000000; now < 1010000; now += 7)
        passed += count_passed(10, now);
    assert_in_range(passed, 8 * STDERR_LINES_RATE, 10 * STDERR_LINES_RATE);
    stderr_lines_grant(&lines);
    assert_int_equal(count_passed(1000, 1010000), STDERR_LINES_BURST);
}

// Empty lines are none, and cost nothing.
TEST(test_empty_lines)
{
    struct slice bytes = SLICE("\n\n\n\n\n\n\n\n");
    for (unsigned i = 0; i < 1000; i++)
        assert_false(next(&bytes, 0));
    assert_int_equal(count_passed(1, 0), 1);
    assert_int_equal(stderr_lines_take_dropped(&lines), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lines, setup),
        cmocka_unit_test_setup(test_texts, setup),
        cmocka_unit_test_setup(test_long_lines, setup),
        cmocka_unit_test_setup(test_too_many, setup),
        cmocka_unit_test_setup(test_empty_lines, setup),
    };
    return cmocka_run_group_tests_name("stderr_lines", tests, NULL, NULL);
}
