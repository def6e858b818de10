#include "support/unit.h"

#include "server/bufpool.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(test_small_blocks_come_back)
{
    struct bufpool p;
    bufpool_init(&p, 40000, 1);
    struct block *a = bufpool_get(&p);
    assert_non_null(a);
    assert_int_equal(a->cap + sizeof(*a), BLOCK_SMALL);
    a->start = 3;
    a->end = 7;
    bufpool_put(&p, a);
    struct block *b = bufpool_get(&p);
    assert_ptr_equal(a, b);
    assert_int_equal(block_slice(b).len, 0);
    bufpool_put(&p, b);
    bufpool_put(&p, NULL);
    bufpool_cleanup(&p);
}

TEST(test_big_blocks_are_limited)
{
    struct bufpool p;
    bufpool_init(&p, 40000, 2);
    struct block *a = bufpool_get_big(&p), *b = bufpool_get_big(&p);
    assert_int_equal(a->cap, 40000);
    assert_non_null(b);
    assert_null(bufpool_get_big(&p));
    bufpool_put(&p, a);
    a = bufpool_get_big(&p);
    assert_non_null(a);
    bufpool_put(&p, a);
    bufpool_put(&p, b);
    bufpool_cleanup(&p);
}

TEST(test_sized_blocks_count_towards_no_limit)
{
    struct bufpool p;
    bufpool_init(&p, 40000, 0);
    struct block *a = bufpool_get_sized(&p, 40000), *b = bufpool_get_sized(&p, 10);
    assert_true(a->cap >= 40000);
    assert_int_equal(b->cap + sizeof(*b), BLOCK_SMALL);
    bufpool_put(&p, a);
    bufpool_put(&p, b);
    assert_int_equal(p.big_used, 0);
    bufpool_cleanup(&p);
}

#define BURST 100

static void get_many(struct bufpool *p, struct block *blocks[BURST])
{
    for (size_t i = 0; i < BURST; i++)
        assert_non_null(blocks[i] = bufpool_get(p));
}

static void put_many(struct bufpool *p, struct block *blocks[BURST])
{
    for (size_t i = 0; i < BURST; i++)
        bufpool_put(p, blocks[i]);
}

TEST(test_what_is_not_needed_goes_back)
{
    struct bufpool p;
    struct block *blocks[BURST];
    bufpool_init(&p, 40000, 0);
    bufpool_tick(&p); // nothing is there
    get_many(&p, blocks);
    bufpool_tick(&p);
    put_many(&p, blocks);
    bufpool_tick(&p); // they were needed since the last one
    assert_int_equal(p.free_count, BURST);
    get_many(&p, blocks);
    put_many(&p, blocks);
    bufpool_tick(&p); // again
    assert_int_equal(p.free_count, BURST);
    bufpool_put(&p, bufpool_get(&p));
    bufpool_tick(&p); // all but one were not: but some always stay
    assert_in_range(p.free_count, 1, BURST / 4);
    uint32_t few = p.free_count;
    bufpool_tick(&p);
    assert_int_equal(p.free_count, few);
    bufpool_cleanup(&p);
}

static pthread_barrier_t together;

static void *give_back_many(void *unused)
{
    struct bufpool p;
    struct block *blocks[BURST];
    bufpool_init(&p, 40000, 1);
    get_many(&p, blocks);
    put_many(&p, blocks);
    bufpool_tick(&p);
    pthread_barrier_wait(&together);
    bufpool_tick(&p); // gives blocks back
    bufpool_cleanup(&p);
    return unused;
}

// A worker of four loops; the process ends with 0.
static void give_back_in_threads(void)
{
    pthread_t loops[4];
    pthread_barrier_init(&together, NULL, 4);
    for (int i = 0; i < 4; i++)
        pthread_create(&loops[i], NULL, give_back_many, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(loops[i], NULL);
    _exit(0);
}

// The first malloc_trim() of a process makes the C library's heap, where a sanitizer has one of its
// own: loops that did so at once ended the worker. (Before the other tests, whose heap the
// processes inherit.)
TEST(test_loops_give_back_at_once)
{
    for (int turn = 0; turn < 100; turn++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            give_back_in_threads();
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loops_give_back_at_once),
        cmocka_unit_test(test_small_blocks_come_back),
        cmocka_unit_test(test_big_blocks_are_limited),
        cmocka_unit_test(test_sized_blocks_count_towards_no_limit),
        cmocka_unit_test(test_what_is_not_needed_goes_back),
    };
    return cmocka_run_group_tests_name("bufpool", tests, NULL, NULL);
}
