#include "support/unit.h"

#include "daemon/generations.h"

#include <stdlib.h>
#include <unistd.h>

static struct generations generations;

static int setup(void **state)
{
    (void)state;
    generations_init(&generations);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (struct list *l; (l = list_first(&generations.list));)
        generation_free(CONTAINER_OF(l, struct generation, link), NULL);
    generations_cleanup(&generations);
    return 0;
}

// One without workers.
static struct generation *add(unsigned id, enum generation_phase phase, uint64_t drain)
{
    struct generation *g = calloc(1, sizeof(*g));
    assert_non_null(g);
    list_init(&g->link);
    g->id = id;
    g->sandbox = SANDBOX_NONE;
    g->served = served_make(calloc(1, sizeof(*g->served.conf)));
    assert_non_null(g->served.conf);
    g->served.conf->timeouts.drain = drain;
    generations_add(&generations, g);
    assert_ptr_equal(generations.starting, g);
    assert_int_equal(generations.last_id, id);
    g->phase = phase;
    if (phase != GENERATION_STARTING)
        generations.starting = NULL;
    if (phase == GENERATION_CURRENT)
        generations.current = g;
    return g;
}

static unsigned seen[8], seen_count;

static void note(struct generation *g)
{
    seen[seen_count++] = g->id;
}

TEST(test_each_from_the_oldest_on)
{
    add(3, GENERATION_ENDING, 0);
    add(4, GENERATION_CURRENT, 0);
    add(5, GENERATION_STARTING, 0);
    seen_count = 0;
    generations_each(&generations, note);
    assert_int_equal(seen_count, 3);
    assert_int_equal(seen[0], 3);
    assert_int_equal(seen[2], 5);
}

TEST(test_counts_workers)
{
    unsigned current, ending;
    generations_count_workers(&generations, &current, &ending);
    assert_int_equal(current + ending, 0);
    add(1, GENERATION_ENDING, 0)->alive = 1;
    add(2, GENERATION_ENDING, 0)->alive = 2;
    add(3, GENERATION_CURRENT, 0)->alive = 4;
    add(4, GENERATION_STARTING, 0)->alive = 8; // counts when it serves
    generations_count_workers(&generations, &current, &ending);
    assert_int_equal(current, 4);
    assert_int_equal(ending, 3);
}

TEST(test_takes_as_long_as_the_slowest)
{
    assert_int_equal(generations_drain_time(&generations), GENERATION_KILL_DELAY);
    add(1, GENERATION_ENDING, 500);
    add(2, GENERATION_ENDING, 30000);
    add(3, GENERATION_CURRENT, 1000);
    assert_int_equal(generations_drain_time(&generations), 30000 + GENERATION_KILL_DELAY);
}

TEST(test_totals_of_all)
{
    struct totals_report report;
    generations.maker.totals.ended.requests = 5;
    for (unsigned id = 1; id <= 2; id++) {
        struct generation *g = add(id, id == 1 ? GENERATION_ENDING : GENERATION_CURRENT, 0);
        assert_int_equal(scoreboard_init(&g->served.scoreboard, 1, 1), 0);
        atomic_store(&g->served.scoreboard.places[0].slots[0].requests, 10 * id);
        atomic_store(&g->served.scoreboard.places[0].slots[0].connections, id);
    }
    generations_report_totals(&generations, &report);
    assert_int_equal(report.counts.requests, 35);
    assert_int_equal(report.connections, 3);
}

TEST(test_all_are_not_ready_for_more)
{
    struct generation *g = add(1, GENERATION_CURRENT, 0);
    generations_make_unready(&generations);
    assert_true(generations.is_unready);
    assert_true(g->is_unready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_from_the_oldest_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_counts_workers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takes_as_long_as_the_slowest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_totals_of_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_are_not_ready_for_more, setup, teardown),
    };
    return cmocka_run_group_tests_name("generations", tests, NULL, NULL);
}
