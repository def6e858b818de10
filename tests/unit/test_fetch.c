#include "support/silence.h"
#include "support/tempdir.h"

#include "daemon/fetch.h"

#include <errno.h>

#define LONG_ENOUGH 60000 // ms

static struct watches watches;
static struct fetches fetches;
static struct fetched got;
static unsigned told;

static int setup(void **state)
{
    (void)state;
    told = 0;
    fetches_init(&fetches, &watches);
    return watch_init(&watches);
}

static int teardown(void **state)
{
    (void)state;
    fetches_cleanup(&fetches);
    watch_cleanup(&watches);
    return 0;
}

static void take_result(void *context, struct fetched *result)
{
    assert_ptr_equal(context, &got);
    got = *result;
    told++;
}

static struct fetched list_of(const char *first, const char *second)
{
    struct fetched f = {.conf = NULL};
    assert_int_equal(fetched_add(&f, FETCHED_LOOK, first), 0);
    if (second)
        assert_int_equal(fetched_add(&f, FETCHED_LOOK, second), 0);
    return f;
}

static struct fetch *start(const char *first, const char *second, int64_t patience)
{
    struct fetched wanted = list_of(first, second);
    const struct fetch_terms terms = {patience, take_result, &got};
    struct fetch *f = NULL;
    assert_int_equal(fetch_start(&fetches, &wanted, &terms, &f), 0);
    assert_int_equal(told, 0); // not before the watches
    return f;
}

static void await_result(void)
{
    while (told == 0)
        watch_wait(&watches);
    assert_int_equal(told, 1);
    assert_int_equal(got.pending, 0);
    told = 0;
}

static void await_end_of_all(void)
{
    while (!list_is_empty(&fetches.list))
        watch_wait(&watches);
}

// Of both, only "/tmp" answers. It gets more time, or 0 once it has answered: a busy machine is
// slow.
static void check_only_one(const struct fetched *f, int64_t *patience)
{
    assert_int_equal(f->items[1].error, -ETIMEDOUT);
    *patience = f->items[0].error ? *patience * 4 : 0;
    assert_true(*patience < LONG_ENOUGH);
}

TEST(test_all_answer)
{
    size_t fds = count_fds();
    start("/tmp", "/nonexistent", LONG_ENOUGH);
    await_result();
    assert_int_equal(got.items[0].error, 0);
    assert_int_equal(got.items[1].error, -ENOENT);
    fetched_cleanup(&got);
    assert_true(list_is_empty(&fetches.list)); // it has ended
    assert_int_equal(count_fds(), fds);
}

TEST(test_one_does_not_answer)
{
    size_t fds = count_fds();
    for (int64_t patience = 50; patience;) {
        await_end_of_all();
        start("/tmp", "/silent", patience);
        await_result();
        check_only_one(&got, &patience);
        fetched_cleanup(&got);
    }
    // It was killed, but is there until that is heard of.
    assert_true(fetches_is_silent(&fetches, "/silent"));
    assert_false(fetches_is_silent(&fetches, "/tmp"));
    start("/tmp", "/silent", LONG_ENOUGH); // not asked for again
    await_result();
    assert_int_equal(got.items[0].error, 0);
    assert_int_equal(got.items[1].error, -ETIMEDOUT);
    fetched_cleanup(&got);
    await_end_of_all();
    assert_false(fetches_is_silent(&fetches, "/silent"));
    assert_int_equal(count_fds(), fds);
}

TEST(test_nothing_is_left_to_ask_for)
{
    start("/silent", NULL, 50);
    await_result();
    fetched_cleanup(&got);
    start("/silent", NULL, LONG_ENOUGH);
    await_result();
    assert_int_equal(got.items[0].error, -ETIMEDOUT);
    fetched_cleanup(&got);
    await_end_of_all();
}

TEST(test_the_process_dies)
{
    start("/deadly", NULL, LONG_ENOUGH);
    await_result();
    assert_int_equal(got.items[0].error, -EIO);
    fetched_cleanup(&got);
}

// Nobody hears of it, and what is asked for next is asked for.
TEST(test_cancel)
{
    size_t fds = count_fds();
    fetch_cancel(NULL);
    fetch_cancel(start("/silent", "/tmp", LONG_ENOUGH));
    assert_false(fetches_is_silent(&fetches, "/tmp"));
    start("/tmp", NULL, LONG_ENOUGH);
    await_result();
    assert_int_equal(got.items[0].error, 0);
    fetched_cleanup(&got);
    await_end_of_all();
    assert_int_equal(told, 0);
    assert_int_equal(count_fds(), fds);
}

TEST(test_cleanup_while_it_runs)
{
    size_t fds = count_fds();
    start("/silent", NULL, LONG_ENOUGH);
    fetches_cleanup(&fetches);
    assert_true(list_is_empty(&fetches.list));
    assert_int_equal(count_fds(), fds);
}

TEST(test_waiting)
{
    for (int64_t patience = 50; patience;) {
        struct fetched f = list_of("/tmp", "/silent");
        size_t fds = count_fds();
        assert_int_equal(fetch_and_wait(&f, patience), 0);
        check_only_one(&f, &patience);
        assert_int_equal(count_fds(), fds);
        fetched_cleanup(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(test_all_answer),
        CASE(test_one_does_not_answer),
        CASE(test_nothing_is_left_to_ask_for),
        CASE(test_the_process_dies),
        CASE(test_cancel),
        CASE(test_cleanup_while_it_runs),
        CASE(test_waiting),
#undef CASE
    };
    return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
