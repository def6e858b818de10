#include "support/unit.h"

#include "server/scoreboard.h"

TEST(test_slots_stand_apart)
{
    struct scoreboard s;
    assert_int_equal(sizeof(struct scoreboard_slot) % 128, 0);
    assert_int_equal(sizeof(struct scoreboard_notes) % 128, 0);
    assert_int_equal(scoreboard_init(&s, 2, 2), 0);
    struct scoreboard_slot *slots[] = {&s.places[0].slots[0], &s.places[0].slots[1],
                                       &s.places[1].slots[0], &s.places[1].slots[1]};
    for (uint32_t i = 0; i < 4; i++)
        atomic_store(&slots[i]->connections, i + 1);
    assert_int_equal(scoreboard_load(&s).connections, 0);
    assert_int_equal(scoreboard_load(&s).loops, 0);
    slots[0]->phase = slots[3]->phase = SCOREBOARD_SERVING;
    slots[1]->phase = SCOREBOARD_LEAVING;
    assert_int_equal(scoreboard_load(&s).connections, 5);
    assert_int_equal(scoreboard_load(&s).loops, 2);
    scoreboard_add(&slots[1]->requests, 5);
    scoreboard_add(&slots[1]->requests, 2);
    s.places[0].notes[1].beat = s.places[1].notes[1].beat = 9;
    assert_int_equal(atomic_load(&slots[1]->requests), 7);
    assert_int_equal(atomic_load(&slots[0]->requests), 0);
    scoreboard_clear(&s, 0);
    assert_int_equal(slots[1]->requests + slots[1]->connections + slots[1]->phase, 0);
    assert_int_equal(s.places[0].notes[1].beat, 0);
    assert_int_equal(s.places[1].notes[1].beat, 9);
    assert_int_equal(slots[2]->connections, 3);
    scoreboard_cleanup(&s);
    assert_null(s.places);
    scoreboard_cleanup(&s);
}

TEST(test_over_share)
{
    static const struct {
        uint64_t own, total;
        uint32_t loops;
        bool want;
    } cases[] = {
        {9, 9, 0, false},    {0, 0, 4, false},     {1, 1, 4, false},
        {2, 2, 4, true},     {100, 400, 4, false}, {104, 400, 4, false},
        {105, 400, 4, true}, {400, 400, 1, false}, {1034, 4000, 4, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (scoreboard_over_share(cases[i].own, cases[i].total, cases[i].loops) != cases[i].want)
            fail_msg("case %zu", i);
}

TEST(test_rounds)
{
    static const struct {
        int64_t us;
        unsigned class;
    } cases[] = {
        {-1, 0},   {0, 0},    {15, 0},      {16, 1},      {31, 1},         {32, 2},
        {2047, 7}, {2048, 8}, {262143, 14}, {262144, 15}, {INT64_MAX, 15},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(scoreboard_round_class(cases[i].us), cases[i].class);
    assert_int_equal(scoreboard_round_bound(0), 16);
    assert_int_equal(scoreboard_round_bound(7), 2048);
    assert_int_equal(scoreboard_round_bound(15), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_stand_apart),
        cmocka_unit_test(test_over_share),
        cmocka_unit_test(test_rounds),
    };
    return cmocka_run_group_tests_name("scoreboard", tests, NULL, NULL);
}
