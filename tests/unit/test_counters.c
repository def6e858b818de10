#include "support/unit.h"

#include "server/counters.h"
#include "server/scoreboard.h"

#include <stdio.h>

static bool is_same_key(const struct counters_row *a, const struct counters_row *b)
{
    return a->group == b->group && strcmp(a->key, b->key) == 0;
}

TEST(test_rows)
{
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        const struct counters_row *row = counters_row(i);
        if (i > 0 && row->group < counters_row(i - 1)->group)
            fail_msg("row %zu stands apart from its group", i);
        if ((row->group == COUNTERS_SINGLE) != (row->help != NULL))
            fail_msg("%s: help is the row's, or the group's", row->key);
        if (strspn(row->key, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(row->key))
            fail_msg("%s: no plain key", row->key);
        for (size_t k = 0; k < i; k++)
            if (is_same_key(row, counters_row(k)))
                fail_msg("%s: two rows", row->key);
    }
    for (unsigned group = COUNTERS_SINGLE + 1; group < COUNTERS_GROUPS; group++)
        assert_non_null(counters_group_row(group)->help);
}

// A member is found under its row's key.
TEST(test_members)
{
    struct counters c = {.requests = 1, .log_dropped = 2};
    char text[512];
    struct buf b = buf_make(text, sizeof(text));
    c.answers[COUNTERS_ANSWERS_5XX] = 3;
    c.closed[CONN_CLOSE_TIMEOUT] = 4;
    c.rounds[0] = 5;
    c.rounds[COUNTERS_ROUNDS_COUNT - 1] = 6;
    counters_format(&b, "counter ", &c);
    assert_slice(buf_slice(&b), "counter requests 1\ncounter log_dropped 2\n"
                                "counter answers.5xx 3\ncounter closed.timeout 4\n"
                                "counter rounds_us.16 5\ncounter rounds_us.longer 6\n");
}

TEST(test_bounds_of_rounds)
{
    size_t class = 0;
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        char key[32];
        if (counters_row(i)->group != COUNTERS_ROUNDS)
            continue;
        snprintf(key, sizeof(key), "%llu", (unsigned long long)scoreboard_round_bound(class));
        if (class < COUNTERS_ROUNDS_COUNT - 1)
            assert_string_equal(counters_row(i)->key, key);
        class ++;
    }
    assert_int_equal(class, COUNTERS_ROUNDS_COUNT);
}

TEST(test_parse)
{
    static const struct {
        const char *line;
        bool good;
        uint64_t requests, timeouts;
    } cases[] = {
        {"requests 1234", true, 1234, 8},
        {"requests 0", true, 0, 8},
        {"requests 9007199254740991", true, COUNTERS_MAX, 8},
        {"closed.timeout 5", true, 7, 5},
        {"of_a_later_version 5", true, 7, 8},
        {"closed.later 5", true, 7, 8},
        {"later.timeout 5", true, 7, 8},
        {"timeout 5", true, 7, 8}, // no key of ours
        {"requests.1 5", true, 7, 8},
        {"", false, 7, 8},
        {"requests", false, 7, 8},
        {"requests ", false, 7, 8},
        {" 5", false, 7, 8},
        {"requests -1", false, 7, 8},
        {"requests 1 2", false, 7, 8},
        {"requests 12x", false, 7, 8},
        {"requests 9007199254740992", false, 7, 8},
        {"later 9007199254740992", false, 7, 8},
        {"later 99999999999999999999999", false, 7, 8},
        {"later_________________________________________________________________ 1", false, 7, 8},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct counters c = {.requests = 7};
        c.closed[CONN_CLOSE_TIMEOUT] = 8;
        bool good = counters_parse(slice_of(cases[i].line), &c);
        if (good != cases[i].good || c.requests != cases[i].requests ||
            c.closed[CONN_CLOSE_TIMEOUT] != cases[i].timeouts)
            fail_msg("case %zu: %s", i, cases[i].line);
    }
}

TEST(test_there_and_back)
{
    struct counters c, back = {0};
    char text[4096];
    struct buf b = buf_make(text, sizeof(text));
    for (size_t i = 0; i < COUNTERS_COUNT; i++)
        counters_values(&c)[i] = COUNTERS_MAX - i;
    counters_format(&b, "", &c);
    assert_false(b.overflow);
    for (struct slice rest = buf_slice(&b); rest.len;)
        assert_true(counters_parse(slice_split(&rest, '\n'), &back));
    assert_memory_equal(&c, &back, sizeof(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_bounds_of_rounds),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
