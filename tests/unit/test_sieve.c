#include "support/unit.h"

#include "content/sieve.h"

#define COUNT 6

static struct sieve s;
static struct sieve_item items[COUNT];

static int setup(void **state)
{
    (void)state;
    sieve_init(&s);
    for (size_t i = 0; i < COUNT; i++)
        sieve_add(&s, &items[i]);
    return 0;
}

// The number of the item that goes, which is gone then.
static size_t let_go(void)
{
    struct sieve_item *item = sieve_next(&s);
    assert_non_null(item);
    assert_ptr_equal(sieve_next(&s), item);
    sieve_remove(&s, item);
    return (size_t)(item - items);
}

TEST(test_oldest_first)
{
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(let_go(), i);
    assert_null(sieve_next(&s));
}

TEST(test_wanted_stay)
{
    items[0].wanted = items[2].wanted = true;
    assert_int_equal(let_go(), 1);
    assert_false(items[0].wanted); // it has been asked about
    assert_int_equal(let_go(), 3);
    assert_int_equal(let_go(), 4);
    items[0].wanted = true;
    assert_int_equal(let_go(), 5);
    assert_int_equal(let_go(), 2); // round again
    assert_int_equal(let_go(), 0);
    assert_null(sieve_next(&s));
}

TEST(test_all_wanted)
{
    for (size_t i = 0; i < COUNT; i++)
        items[i].wanted = true;
    assert_int_equal(let_go(), 0);
    assert_int_equal(let_go(), 1);
}

// A walk through many that are asked for once does not touch what is asked for again.
TEST(test_walk)
{
    struct sieve_item walk[100];
    for (size_t i = 0; i < ARRAY_SIZE(walk); i++) {
        for (size_t j = 0; j < COUNT; j++)
            items[j].wanted = true;
        sieve_add(&s, &walk[i]);
        if (i < 3)
            continue;
        struct sieve_item *item = sieve_next(&s);
        assert_true(item >= walk && item < walk + ARRAY_SIZE(walk));
        sieve_remove(&s, item);
    }
}

TEST(test_removed_under_the_hand)
{
    items[0].wanted = true;
    assert_ptr_equal(sieve_next(&s), &items[1]);
    sieve_remove(&s, &items[1]);
    assert_int_equal(let_go(), 2);
    sieve_remove(&s, &items[5]);
    assert_int_equal(let_go(), 3);
    assert_int_equal(let_go(), 4);
    assert_int_equal(let_go(), 0);
    sieve_add(&s, &items[3]);
    assert_int_equal(let_go(), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_oldest_first, setup),
        cmocka_unit_test_setup(test_wanted_stay, setup),
        cmocka_unit_test_setup(test_all_wanted, setup),
        cmocka_unit_test_setup(test_walk, setup),
        cmocka_unit_test_setup(test_removed_under_the_hand, setup),
    };
    return cmocka_run_group_tests_name("sieve", tests, NULL, NULL);
}
