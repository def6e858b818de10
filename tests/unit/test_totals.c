#include "support/unit.h"

#include "daemon/totals.h"

#include <errno.h>

static struct totals_report report(struct totals *t, const struct scoreboard *a,
                                   const struct scoreboard *b)
{
    struct totals_report r;
    totals_begin(t, &r);
    totals_add(&r, a);
    if (b)
        totals_add(&r, b);
    totals_finish(t, &r);
    return r;
}

static int setup(void **state)
{
    static struct scoreboard s;
    *state = &s;
    return scoreboard_init(&s, 3, 1);
}

static int teardown(void **state)
{
    scoreboard_cleanup(*state);
    return 0;
}

TEST(test_sums)
{
    struct scoreboard *s = *state;
    struct totals t = {0};
    for (uint32_t i = 0; i < 3; i++) {
        struct scoreboard_slot *slot = s->places[i].slots;
        struct scoreboard_notes *notes = s->places[i].notes;
        slot->phase = SCOREBOARD_SERVING + i;
        slot->connections = 10 * (i + 1);
        notes->waiting[DEADLINE_SEND] = i;
        notes->log_error = i == 1 ? ENOSPC : 0;
        notes->is_log_losing = i == 1;
        scoreboard_add(&slot->requests, 100);
        scoreboard_add(&slot->sent, i);
        scoreboard_add(&slot->closed[CONN_CLOSE_HANDED], 1);
        scoreboard_add_answer(slot, 200);
        scoreboard_add_answer(slot, 299);
        scoreboard_add_answer(slot, 100);
        scoreboard_add_answer(slot, 503);
    }
    struct totals_report r = report(&t, s, s);
    assert_int_equal(r.loops, 4); // one has ended
    assert_int_equal(r.connections, 120);
    assert_int_equal(r.log_error, ENOSPC);
    assert_true(r.is_log_losing);
    assert_int_equal(r.waiting[DEADLINE_SEND], 6);
    assert_int_equal(r.waiting[DEADLINE_IDLE], 0);
    assert_int_equal(r.counts.requests, 600);
    assert_int_equal(r.counts.sent, 6);
    assert_int_equal(r.counts.accepted, 0);
    assert_int_equal(r.counts.closed[CONN_CLOSE_HANDED], 6);
    assert_int_equal(r.counts.answers[0], 6);
    assert_int_equal(r.counts.answers[1], 12);
    assert_int_equal(r.counts.answers[2], 0);
    assert_int_equal(r.counts.answers[4], 6);
}

// The end of a loop changes no counter, and its successor counts on.
TEST(test_folded_once)
{
    struct scoreboard *s = *state;
    struct totals t = {0};
    uint64_t requests = 0;
    for (int life = 0; life < 5; life++) {
        const uint32_t place = (uint32_t)life % 2;
        struct scoreboard_slot *slot = s->places[place].slots;
        struct scoreboard_notes *notes = s->places[place].notes;
        slot->phase = SCOREBOARD_SERVING;
        slot->connections = 3;
        notes->beat = 7;
        notes->waiting[DEADLINE_IDLE] = 3;
        scoreboard_add(&slot->requests, 10);
        scoreboard_add(&s->places[2].slots->requests, 1);
        requests += 11;
        assert_int_equal(report(&t, s, NULL).counts.requests, requests);
        totals_fold(&t, s, place);
        totals_fold(&t, s, place); // nothing is there any more
        struct totals_report r = report(&t, s, NULL);
        assert_int_equal(r.counts.requests, requests);
        assert_int_equal(r.connections, 0);
        assert_int_equal(r.waiting[DEADLINE_IDLE], 0);
        assert_int_equal(slot->phase, SCOREBOARD_ABSENT);
        assert_int_equal(notes->beat, 0);
    }
}

// Whatever a worker writes into its slot, totals do not overflow and do not go back.
TEST(test_nonsense)
{
    struct scoreboard *s = *state;
    struct totals t = {0};
    s->places[0].slots->requests = 1000;
    assert_int_equal(report(&t, s, NULL).counts.requests, 1000);
    s->places[0].slots->requests = 10;
    assert_int_equal(report(&t, s, NULL).counts.requests, 1000);
    totals_fold(&t, s, 0);
    assert_int_equal(report(&t, s, NULL).counts.requests, 1000);
    for (uint32_t i = 0; i < 3; i++)
        s->places[i].slots->sent = UINT64_MAX;
    assert_int_equal(report(&t, s, s).counts.sent, COUNTERS_MAX);
    for (uint32_t i = 0; i < 3; i++)
        totals_fold(&t, s, i);
    assert_int_equal(report(&t, s, s).counts.sent, COUNTERS_MAX);
    for (uint32_t i = 0; i < 3; i++)
        s->places[i].slots->phase = s->places[i].slots->connections = UINT32_MAX;
    assert_int_equal(report(&t, s, NULL).loops, 0);
    assert_int_equal(report(&t, s, NULL).connections, UINT64_C(3) * UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sums, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folded_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
    };
    return cmocka_run_group_tests_name("totals", tests, NULL, NULL);
}
