#include "unit.h"

#include "daemon/totals.h"

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
    return scoreboard_init(&s, 3);
}

static int teardown(void **state)
{
    scoreboard_cleanup(*state);
    return 0;
}

static void test_sums(void **state)
{
    struct scoreboard *s = *state;
    struct totals t = {0};
    for (uint32_t i = 0; i < 3; i++) {
        struct scoreboard_slot *slot = &s->slots[i];
        slot->phase = SCOREBOARD_SERVING + i;
        slot->connections = 10 * (i + 1);
        slot->waiting[DEADLINE_SEND] = i;
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
static void test_folded_once(void **state)
{
    struct scoreboard *s = *state;
    struct totals t = {0};
    uint64_t requests = 0;
    for (int life = 0; life < 5; life++) {
        struct scoreboard_slot *slot = &s->slots[life % 2];
        slot->phase = SCOREBOARD_SERVING;
        slot->connections = 3;
        slot->beat = 7;
        slot->waiting[DEADLINE_IDLE] = 3;
        scoreboard_add(&slot->requests, 10);
        scoreboard_add(&s->slots[2].requests, 1);
        requests += 11;
        assert_int_equal(report(&t, s, NULL).counts.requests, requests);
        totals_fold(&t, slot);
        totals_fold(&t, slot); // nothing is there any more
        struct totals_report r = report(&t, s, NULL);
        assert_int_equal(r.counts.requests, requests);
        assert_int_equal(r.connections, 0);
        assert_int_equal(r.waiting[DEADLINE_IDLE], 0);
        assert_int_equal(slot->phase, SCOREBOARD_ABSENT);
        assert_int_equal(slot->beat, 0);
    }
}

// Whatever a worker writes into its slot, totals do not overflow and do not go back.
static void test_nonsense(void **state)
{
    struct scoreboard *s = *state;
    struct totals t = {0};
    s->slots[0].requests = 1000;
    assert_int_equal(report(&t, s, NULL).counts.requests, 1000);
    s->slots[0].requests = 10;
    assert_int_equal(report(&t, s, NULL).counts.requests, 1000);
    totals_fold(&t, &s->slots[0]);
    assert_int_equal(report(&t, s, NULL).counts.requests, 1000);
    for (uint32_t i = 0; i < 3; i++)
        s->slots[i].sent = UINT64_MAX;
    assert_int_equal(report(&t, s, s).counts.sent, TOTALS_MAX);
    for (uint32_t i = 0; i < 3; i++)
        totals_fold(&t, &s->slots[i]);
    assert_int_equal(report(&t, s, s).counts.sent, TOTALS_MAX);
    for (uint32_t i = 0; i < 3; i++)
        s->slots[i].phase = s->slots[i].connections = UINT32_MAX;
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
