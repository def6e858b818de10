#include "support/unit.h"

#include "daemon/channel_guard.h"

#define STARTED            \
    {                      \
        CHANNEL_STARTED, 0 \
    }
#define SWAPPED                 \
    {                           \
        CHANNEL_ROOT_SWAPPED, 0 \
    }
#define PROXY(n)                \
    {                           \
        CHANNEL_PROXY_HEADER, n \
    }
#define MISSING(n)               \
    {                            \
        CHANNEL_PROXY_MISSING, n \
    }
#define SENT                   \
    {                          \
        CHANNEL_HANDED_OVER, 3 \
    }
#define ANSWERS_CUT            \
    {                          \
        CHANNEL_ANSWERS_CUT, 7 \
    }

static const struct channel_guard_facts serving = {.listener_count = 2};
static const struct channel_guard_facts retired = {.listener_count = 2, .is_retired = true};
static const struct channel_guard_facts foreign = {.is_foreign = true};

TEST(test_turns)
{
    static const struct {
        struct channel_message messages[3]; // the last one is judged
        const struct channel_guard_facts *facts;
        enum channel_guard_verdict want;
    } cases[] = {
        {{STARTED, SWAPPED, SWAPPED}, &serving, CHANNEL_GUARD_GOOD},
        {{STARTED, SWAPPED, PROXY(1)}, &serving, CHANNEL_GUARD_GOOD},
        {{STARTED, PROXY(0), ANSWERS_CUT}, &retired, CHANNEL_GUARD_GOOD},
        {{STARTED, SWAPPED, PROXY(2)}, &serving, CHANNEL_GUARD_MALFORMED},
        {{STARTED, SWAPPED, MISSING(1)}, &serving, CHANNEL_GUARD_GOOD},
        {{STARTED, SWAPPED, MISSING(2)}, &serving, CHANNEL_GUARD_MALFORMED},
        {{STARTED, SWAPPED, {CHANNEL_RETIRE, 0}}, &serving, CHANNEL_GUARD_MALFORMED},
        {{STARTED, SWAPPED, {CHANNEL_REPLACE_LOG, 0}}, &retired, CHANNEL_GUARD_MALFORMED},
        {{STARTED, SWAPPED, STARTED}, &serving, CHANNEL_GUARD_OUT_OF_TURN},
        {{STARTED, SWAPPED, ANSWERS_CUT}, &serving, CHANNEL_GUARD_OUT_OF_TURN},
        {{STARTED, ANSWERS_CUT, ANSWERS_CUT}, &retired, CHANNEL_GUARD_OUT_OF_TURN},
        {{STARTED, ANSWERS_CUT, SWAPPED}, &retired, CHANNEL_GUARD_OUT_OF_TURN},
        {{SWAPPED, SWAPPED, SWAPPED}, &serving, CHANNEL_GUARD_OUT_OF_TURN},
        {{SWAPPED, SWAPPED, ANSWERS_CUT}, &retired, CHANNEL_GUARD_OUT_OF_TURN},
        {{STARTED, SENT, SENT}, &retired, CHANNEL_GUARD_GOOD},
        {{STARTED, SENT, ANSWERS_CUT}, &retired, CHANNEL_GUARD_GOOD},
        {{STARTED, SWAPPED, SENT}, &serving, CHANNEL_GUARD_OUT_OF_TURN},
        {{STARTED, ANSWERS_CUT, SENT}, &retired, CHANNEL_GUARD_OUT_OF_TURN},
        {{STARTED, SENT, {CHANNEL_THREADS_LEFT, 0}}, &retired, CHANNEL_GUARD_GOOD},
        {{STARTED, {CHANNEL_THREADS_LEFT, 0}, ANSWERS_CUT}, &retired, CHANNEL_GUARD_GOOD},
        {{STARTED, SWAPPED, {CHANNEL_THREADS_LEFT, 0}}, &serving, CHANNEL_GUARD_OUT_OF_TURN},
        // Its words before this program was there are not known.
        {{SWAPPED, STARTED, PROXY(99)}, &foreign, CHANNEL_GUARD_GOOD},
        {{ANSWERS_CUT, STARTED, {CHANNEL_RETIRE, 0}}, &foreign, CHANNEL_GUARD_IGNORED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel_guard g = {0};
        enum channel_guard_verdict got = CHANNEL_GUARD_GOOD;
        for (size_t j = 0; j < ARRAY_SIZE(cases[i].messages); j++)
            got = channel_guard_judge(&g, cases[i].facts, &cases[i].messages[j], 5);
        assert_int_equal(got, cases[i].want);
    }
}

TEST(test_no_message)
{
    struct channel_guard g = {0};
    assert_int_equal(channel_guard_judge(&g, &foreign, NULL, 1), CHANNEL_GUARD_IGNORED);
    assert_int_equal(channel_guard_judge(&g, &serving, NULL, 1), CHANNEL_GUARD_MALFORMED);
}

static enum channel_guard_verdict swap_at(struct channel_guard *g, int64_t now)
{
    const struct channel_message swapped = SWAPPED;
    return channel_guard_judge(g, &serving, &swapped, now);
}

TEST(test_too_many)
{
    struct channel_guard g = {.stage = CHANNEL_GUARD_STARTED};
    for (unsigned i = 0; i < CHANNEL_GUARD_MOST; i++)
        assert_int_equal(swap_at(&g, i), CHANNEL_GUARD_GOOD);
    for (unsigned i = 0; i < CHANNEL_GUARD_MOST; i++) // a second after each of them
        assert_int_equal(swap_at(&g, 1000 + i), CHANNEL_GUARD_GOOD);
    assert_int_equal(swap_at(&g, 1999), CHANNEL_GUARD_FLOOD);
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(swap_at(&g, 5000 + i * 32), CHANNEL_GUARD_GOOD);
}

TEST(test_foreign_ones_are_counted_too)
{
    struct channel_guard g = {0};
    for (unsigned i = 0; i < CHANNEL_GUARD_MOST; i++)
        assert_int_equal(channel_guard_judge(&g, &foreign, NULL, 0), CHANNEL_GUARD_IGNORED);
    assert_int_equal(channel_guard_judge(&g, &foreign, NULL, 0), CHANNEL_GUARD_FLOOD);
}

static unsigned most_at_once(struct channel_guard *g, int64_t now)
{
    unsigned count = 0;
    while (swap_at(g, now) == CHANNEL_GUARD_GOOD)
        count++;
    return count;
}

TEST(test_what_has_piled_up_is_excused)
{
    static const struct {
        int64_t away;
        unsigned want;
    } cases[] = {{0, 32}, {1999, 32}, {2000, 96}, {10000, 352}, {INT64_MAX / 64, 1056}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct channel_guard g = {.stage = CHANNEL_GUARD_STARTED};
        channel_guard_excuse(&g, cases[i].away);
        assert_int_equal(most_at_once(&g, 70), cases[i].want);
        channel_guard_excuse(&g, cases[i].away);
        channel_guard_caught_up(&g);
        assert_int_equal(most_at_once(&g, 70000), 32);
    }
}

TEST(test_reasons)
{
    for (enum channel_guard_verdict v = CHANNEL_GUARD_MALFORMED; v <= CHANNEL_GUARD_FLOOD; v++)
        assert_non_null(channel_guard_reason(v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_no_message),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_foreign_ones_are_counted_too),
        cmocka_unit_test(test_what_has_piled_up_is_excused),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests_name("channel_guard", tests, NULL, NULL);
}
