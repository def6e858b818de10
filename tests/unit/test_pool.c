#include "support/unit.h"

#include "precompress/pool.h"

#include <stdatomic.h>
#include <unistd.h>

enum { COUNT = 500 };

static atomic_int times_done[COUNT + 1];
static atomic_int at_once, most_at_once;

static void work(void *context, size_t index)
{
    int now = atomic_fetch_add(&at_once, 1) + 1;
    int most = atomic_load(&most_at_once);
    while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
        ;
    atomic_fetch_add(&times_done[index], 1);
    usleep(*(useconds_t *)context);
    atomic_fetch_sub(&at_once, 1);
}

TEST(test_each_once)
{
    static const struct {
        unsigned threads;
        size_t count;
    } cases[] = {{1, 0}, {4, 0}, {1, COUNT}, {2, COUNT}, {64, COUNT}, {64, 3}};
    useconds_t pause = 0;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        memset(times_done, 0, sizeof(times_done));
        pool_run(cases[i].threads, cases[i].count, work, &pause);
        for (size_t j = 0; j <= COUNT; j++)
            assert_int_equal(times_done[j], j < cases[i].count);
    }
}

TEST(test_never_more_than_asked_for)
{
    useconds_t pause = 2000;
    most_at_once = 0;
    pool_run(1, 20, work, &pause);
    assert_int_equal(most_at_once, 1);
    most_at_once = 0;
    pool_run(4, 100, work, &pause);
    assert_in_range(most_at_once, 2, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_once),
        cmocka_unit_test(test_never_more_than_asked_for),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
