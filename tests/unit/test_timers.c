#include "support/unit.h"

#include "base/timers.h"

static struct timers timers;
static char called[32]; // the names of those that were called, in order

struct named {
    struct timer timer;
    char name;
    int64_t again;        // it sets itself to this time; 0: it does not
    struct timer *cancel; // or NULL
};

static void note(void *context)
{
    struct named *n = context;
    strncat(called, &n->name, 1);
    if (n->again)
        timers_set(&timers, &n->timer, n->again);
    if (n->cancel)
        timers_cancel(n->cancel);
}

static struct named make(char name)
{
    return (struct named){.name = name};
}

static void set(struct named *n, int64_t when)
{
    if (!n->timer.due)
        timers_make(&n->timer, note, n);
    timers_set(&timers, &n->timer, when);
}

static void assert_called(int64_t now, const char *want)
{
    called[0] = '\0';
    timers_run(&timers, now);
    assert_string_equal(called, want);
}

static int setup(void **state)
{
    (void)state;
    timers_init(&timers);
    return 0;
}

TEST(test_are_called_in_order_when_they_are_due)
{
    struct named a = make('a'), b = make('b'), c = make('c'), d = make('d');
    assert_int_equal(timers_next(&timers), -1);
    assert_called(1000, "");
    set(&b, 20);
    set(&a, 10);
    set(&d, 30);
    set(&c, 20); // as b, but later
    assert_int_equal(timers_next(&timers), 10);
    assert_called(9, "");
    assert_called(10, "a");
    assert_false(timers_is_set(&a.timer));
    assert_true(timers_is_set(&b.timer));
    assert_int_equal(timers_next(&timers), 20);
    assert_called(1000, "bcd");
    assert_int_equal(timers_next(&timers), -1);
}

TEST(test_are_set_anew)
{
    struct named a = make('a'), b = make('b');
    set(&a, 10);
    set(&b, 20);
    set(&a, 30);
    assert_int_equal(timers_next(&timers), 20);
    assert_called(20, "b");
    set(&a, 5);
    assert_called(20, "a");
    assert_called(1000, "");
}

TEST(test_are_cancelled)
{
    struct named a = make('a'), b = make('b');
    struct timer never_made = {.when = 0};
    set(&a, 10);
    set(&b, 10);
    timers_cancel(&a.timer);
    timers_cancel(&a.timer);
    timers_cancel(&never_made);
    assert_false(timers_is_set(&never_made));
    assert_called(10, "b");
}

// Callbacks set and cancel timers, also those that are due at the same time.
TEST(test_may_be_changed_by_callbacks)
{
    struct named a = make('a'), b = make('b'), c = make('c');
    a.again = 10;
    a.cancel = &b.timer;
    set(&a, 10);
    set(&b, 10);
    set(&c, 10);
    assert_called(10, "ac"); // neither b, nor a for a second time
    assert_called(10, "a");
    a.again = 0;
    assert_called(11, "a");
    assert_int_equal(timers_next(&timers), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_are_called_in_order_when_they_are_due, setup),
        cmocka_unit_test_setup(test_are_set_anew, setup),
        cmocka_unit_test_setup(test_are_cancelled, setup),
        cmocka_unit_test_setup(test_may_be_changed_by_callbacks, setup),
    };
    return cmocka_run_group_tests_name("timers", tests, NULL, NULL);
}
