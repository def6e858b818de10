#include "support/listfixture.h"

#include "content/snapshots.h"

#include <errno.h>

#define NOW 1000000

static struct budget memory;
static struct snapshots all;
static struct snapshot_query query;

static int setup(void **state)
{
    (void)state;
    memory.limit = 1 << 20;
    snapshots_init(&all, &memory);
    query = listfixture_query("/d/", "unix");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    snapshots_cleanup(&all);
    return 0;
}

static struct snapshot *get(int64_t now)
{
    struct snapshot *one = snapshots_get(&all, &query, now);
    assert_non_null(one);
    return one;
}

// As the thread does. The directories were made just now, and count as older.
static struct snapshot *read_next(int64_t now)
{
    struct snapshot *one = snapshots_next(&all, now);
    assert_non_null(one);
    snapshot_read(one);
    one->is_settled = one->error == 0;
    snapshots_done(&all, one);
    return one;
}

TEST(test_shared_while_young)
{
    struct snapshot *a = get(NOW), *b = get(NOW);
    assert_ptr_equal(a, b);
    assert_int_equal(a->references, 2);
    assert_ptr_equal(snapshots_next(&all, NOW), a);
    assert_ptr_equal(get(NOW + 10 * SNAPSHOTS_YOUNG), a); // it is not read yet
    assert_null(snapshots_next(&all, NOW));               // one at a time
    snapshot_read(a);
    a->is_settled = true;
    snapshots_done(&all, a);
    assert_int_equal(budget_used(&memory), a->list->memory);
    assert_ptr_equal(get(NOW + SNAPSHOTS_YOUNG - 1), a);
    struct snapshot *later = get(NOW + SNAPSHOTS_YOUNG);
    assert_ptr_not_equal(later, a);
    for (int i = 0; i < 4; i++)
        snapshots_release(a);
    assert_int_equal(budget_used(&memory), 0);
    snapshots_release(later); // nobody waits for it any more
    assert_null(snapshots_next(&all, NOW));
}

TEST(test_kept_while_young)
{
    struct snapshot *a = get(NOW);
    read_next(NOW);
    snapshots_release(a);
    snapshots_tick(&all, NOW + SNAPSHOTS_YOUNG - 1);
    assert_true(budget_used(&memory) > 0);
    snapshots_tick(&all, NOW + SNAPSHOTS_YOUNG);
    assert_int_equal(budget_used(&memory), 0);
    a = get(NOW);
    read_next(NOW);
    snapshots_tick(&all, NOW + SNAPSHOTS_YOUNG); // not while somebody has it
    assert_true(budget_used(&memory) > 0);
    snapshots_release(a);
    assert_int_equal(budget_used(&memory), 0);
}

TEST(test_not_shared_after_a_change)
{
    char path[PATH_MAX];
    struct snapshot *a = get(NOW);
    read_next(NOW);
    tempdir_puts(&listfixture_dir, "d/new", "");
    struct snapshot *b = get(NOW);
    assert_ptr_not_equal(a, b);
    snapshots_release(a);
    snapshots_release(b);
    assert_int_equal(unlink(tempdir_path(&listfixture_dir, "d/new", path)), 0);
    // Nor when a change might not be seen.
    a = get(NOW);
    assert_ptr_equal(snapshots_next(&all, NOW), a);
    snapshot_read(a);
    a->is_settled = false;
    snapshots_done(&all, a);
    b = get(NOW);
    assert_ptr_not_equal(a, b);
    snapshots_release(a);
    snapshots_release(b);
    assert_int_equal(budget_used(&memory), 0);
}

// Each may have what the others leave. Those that nobody uses go first.
TEST(test_memory)
{
    struct snapshot *a = get(NOW);
    read_next(NOW);
    memory.limit = budget_used(&memory) + 100;
    query.view.descending = true;
    struct snapshot *b = get(NOW);
    read_next(NOW);
    assert_int_equal(b->error, -ENOBUFS);
    assert_int_equal(budget_used(&memory), a->list->memory);
    snapshots_release(b);
    snapshots_release(a);
    b = get(NOW);
    read_next(NOW);
    assert_int_equal(b->error, 0);
    assert_int_equal(budget_used(&memory), b->list->memory);
    snapshots_release(b);
}

TEST(test_nobody_waits_any_more)
{
    struct snapshot *a = get(NOW);
    assert_ptr_equal(snapshots_next(&all, NOW), a);
    snapshots_release(a);
    assert_false(a->is_wanted);
    struct snapshot *b = get(NOW);
    assert_ptr_not_equal(a, b);
    snapshot_read(a);
    assert_int_equal(a->error, -ECANCELED);
    snapshots_done(&all, a);
    read_next(NOW);
    snapshots_release(b);
    // At the end of the loop nobody tells any more.
    query.view.descending = true;
    a = get(NOW);
    assert_ptr_equal(snapshots_next(&all, NOW), a);
    snapshots_release(a);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_shared_while_young),        CASE(test_kept_while_young),
        CASE(test_not_shared_after_a_change), CASE(test_memory),
        CASE(test_nobody_waits_any_more),
    };
    return cmocka_run_group_tests_name("snapshots", tests, listfixture_open, listfixture_close);
}
