#include "support/unit.h"

#include "base/budget.h"
#include "base/util.h"

#include <pthread.h>

TEST(test_take_and_give)
{
    struct budget b = {.limit = 10};
    assert_true(budget_take(&b, 0));
    assert_false(budget_take(&b, 11));
    assert_false(budget_take(&b, UINT64_MAX));
    assert_true(budget_take(&b, 7));
    assert_false(budget_take(&b, 4));
    assert_int_equal(budget_used(&b), 7);
    assert_true(budget_take(&b, 3));
    assert_false(budget_take(&b, 1));
    budget_give(&b, 10);
    assert_int_equal(budget_used(&b), 0);
}

TEST(test_without_limit)
{
    struct budget b = {.limit = UINT64_MAX};
    assert_true(budget_take(&b, UINT64_MAX - 1));
    assert_true(budget_take(&b, 1));
    assert_false(budget_take(&b, 1));
}

#define THREADS 4

static void *use(void *context)
{
    struct budget *b = context;
    uintptr_t exceeded = 0;
    for (int i = 0; i < 20000; i++) {
        if (!budget_take(b, 3))
            continue;
        exceeded |= budget_used(b) > b->limit;
        budget_give(b, 3);
    }
    return (void *)exceeded;
}

TEST(test_threads)
{
    pthread_t threads[THREADS];
    struct budget b = {.limit = 8}; // for two of them
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, &b), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *exceeded;
        assert_int_equal(pthread_join(threads[i], &exceeded), 0);
        assert_null(exceeded);
    }
    assert_int_equal(budget_used(&b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_and_give),
        cmocka_unit_test(test_without_limit),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
