#include "support/unit.h"

#include "daemon/watch.h"
#include "sys/clock.h"

#include <unistd.h>

struct pipe {
    int ends[2];
    struct watch watch;
    unsigned calls;
};

static struct watches watches;
static unsigned timer_calls;

static int setup(void **state)
{
    (void)state;
    timer_calls = 0;
    return watch_init(&watches);
}

static int teardown(void **state)
{
    (void)state;
    watch_cleanup(&watches);
    return 0;
}

static void note_ready(void *context)
{
    struct pipe *p = context;
    p->calls++;
}

static void note_due(void *context)
{
    (void)context;
    timer_calls++;
}

static void open_pipe(struct pipe *p)
{
    *p = (struct pipe){.watch = {note_ready, p}};
    assert_int_equal(pipe(p->ends), 0);
    assert_int_equal(watch_add(&watches, p->ends[0], &p->watch), 0);
}

static void close_pipe(struct pipe *p)
{
    watch_remove(&watches, p->ends[0]);
    close(p->ends[0]);
    close(p->ends[1]);
}

TEST(test_calls_whose_descriptor_is_ready)
{
    struct pipe a, b;
    open_pipe(&a);
    open_pipe(&b);
    assert_int_equal(watch_wait_ready(&watches, 0), 0);
    assert_int_equal(write(b.ends[1], "x", 1), 1);
    assert_int_equal(watch_wait_ready(&watches, 10000), 1);
    assert_int_equal(a.calls, 0);
    assert_int_equal(b.calls, 1);
    watch_remove(&watches, b.ends[0]);
    watch_remove(&watches, b.ends[0]); // harmless
    assert_int_equal(watch_wait_ready(&watches, 0), 0);
    close(a.ends[1]);
    a.ends[1] = dup(0);
    assert_int_equal(watch_wait_ready(&watches, 10000), 1); // its end, too
    assert_int_equal(a.calls, 1);
    close_pipe(&a);
    close_pipe(&b);
}

TEST(test_waits_until_a_timer_is_due)
{
    struct timer timer;
    int64_t begin = clock_now();
    timers_make(&timer, note_due, NULL);
    timers_set(&watches.timers, &timer, begin + 30);
    while (timer_calls == 0)
        watch_wait(&watches);
    assert_true(clock_now() >= begin + 30);
    assert_true(watches.now >= begin + 30);
    assert_int_equal(timer_calls, 1);
}

TEST(test_knows_how_long_it_was_away)
{
    struct timer timer;
    timers_make(&timer, note_due, NULL);
    for (unsigned i = 1; i <= 2; i++) {
        timers_set(&watches.timers, &timer, clock_now());
        watches.woken -= 5000;
        watch_wait(&watches);
        assert_in_range(watches.away, 5000, 9000);
        assert_true(watches.woken >= clock_now() - 4000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_calls_whose_descriptor_is_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waits_until_a_timer_is_due, setup, teardown),
        cmocka_unit_test_setup_teardown(test_knows_how_long_it_was_away, setup, teardown),
    };
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
