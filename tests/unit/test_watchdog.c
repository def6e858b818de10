#include "support/unit.h"

#include "daemon/watchdog.h"

TEST(test_stands_still)
{
    static const struct {
        uint64_t beat;
        int64_t passed, still;
    } looks[] = {
        {0, 1000, 1000},  // has not begun
        {5, 1000, 0},     // moves
        {5, 1000, 1000},  // does not
        {5, 1001, 2001},  //
        {6, 1000, 0},     // does again
        {6, 60000, 2000}, // who looks was away
        {6, 500, 2500},   //
        {6, 0, 2500},     //
        {2, 1000, 0},     // nonsense, but it moves
    };
    struct watchdog w = {0};
    for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
        if (watchdog_look(&w, looks[i].beat, looks[i].passed) != looks[i].still)
            fail_msg("look %zu gives %d", i, (int)w.still);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stands_still)};
    return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
