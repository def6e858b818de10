#include "support/masterparts.h"

TEST(test_drains)
{
    start_first();
    assert_false(stop_is_ending(&parts.stop));
    int waiter = add_waiter();
    stop_request(&parts.stop);
    assert_true(parts.stop.has_begun);
    assert_true(stop_is_ending(&parts.stop));
    assert_told(waiter, "error 16\nthe server stops");
    assert_true(log_has(&parts.dir, "stopping\n"));
    run_until(none_is_left);
    assert_int_equal(connect_to(&parts.dir), -ENOENT);
    assert_false(log_has(&parts.dir, "was killed"));
}

// As later as makes it another request.
static void request_again(void)
{
    parts.stop.requested_at = clock_now() - STOP_ONE_REQUEST;
    stop_request(&parts.stop);
}

// As timeout(1) sends it, to the process and to its group.
TEST(test_two_that_are_one)
{
    start_first();
    stop_request(&parts.stop);
    stop_request(&parts.stop);
    run_until(none_is_left);
    assert_false(log_has(&parts.dir, "was killed"));
}

// A second request does not wait for answers that are under way.
TEST(test_the_second_time_at_once)
{
    start_first();
    kill(parts.generations.current->workers[0].child.pid, SIGSTOP); // it will not end by itself
    stop_request(&parts.stop);
    assert_false(none_is_left());
    request_again();
    run_until(none_is_left);
    assert_true(log_has(&parts.dir, "was ended at once by the master"));
    assert_false(log_has(&parts.dir, "was killed"));
}

TEST(test_at_once)
{
    start_first();
    kill(parts.generations.current->workers[0].child.pid, SIGSTOP);
    stop_at_once(&parts.stop);
    assert_true(parts.stop.has_begun);
    run_until(none_is_left);
}

TEST(test_while_the_first_one_is_looked_for)
{
    reload_start_first(&parts.reload, load_conf(NULL));
    assert_true(reload_is_launching(&parts.reload));
    stop_request(&parts.stop);
    assert_false(reload_is_launching(&parts.reload));
    run_until(none_is_left);
    assert_int_equal(parts.launches, 0);
    assert_int_equal(parts.reload.exit_status, 0);
}

static bool is_starting(void)
{
    return parts.generations.starting != NULL;
}

TEST(test_while_the_first_one_starts)
{
    reload_start_first(&parts.reload, load_conf(NULL));
    run_until(is_starting);
    stop_request(&parts.stop);
    assert_null(parts.generations.starting);
    run_until(none_is_left);
    assert_int_equal(parts.reload.exit_status, 0);
}

// Nothing is started any more, neither by a reload that waits nor by a root that was swapped.
TEST(test_nothing_is_started_any_more)
{
    start_first();
    reload_hold(&parts.reload);
    reload_start(&parts.reload);
    lead_site_to("two");
    stop_request(&parts.stop);
    reload_release(&parts.reload);
    reload_check_roots(&parts.reload);
    run_until(none_is_left);
    assert_int_equal(parts.generations.last_id, 1);
}

static bool has_begun(void)
{
    return parts.stop.has_begun;
}

// With timeouts.lame_duck balancers are told first, and the server serves on.
TEST(test_is_announced)
{
    parts.extra_option = "timeouts.lame_duck";
    parts.extra_value = "300ms";
    start_first();
    int waiter = add_waiter();
    int64_t begin = clock_now();
    stop_request(&parts.stop);
    assert_false(parts.stop.has_begun);
    assert_true(stop_is_ending(&parts.stop));
    assert_true(parts.generations.is_unready);
    assert_told(waiter, "error 16\nthe server stops");
    assert_fetched(&parts.dir, "/hello", "one");
    run_until(has_begun);
    assert_true(clock_now() >= begin + 300);
    run_until(none_is_left);
}

TEST(test_the_second_time_also_of_one_that_is_announced)
{
    parts.extra_option = "timeouts.lame_duck";
    parts.extra_value = "1h";
    start_first();
    stop_request(&parts.stop);
    stop_request(&parts.stop);
    assert_false(parts.stop.has_begun);
    request_again();
    assert_true(parts.stop.has_begun);
    assert_false(timers_is_set(&parts.stop.announced));
    run_until(none_is_left);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_parts, teardown_parts)
        CASE(test_drains),
        CASE(test_two_that_are_one),
        CASE(test_the_second_time_at_once),
        CASE(test_at_once),
        CASE(test_while_the_first_one_is_looked_for),
        CASE(test_while_the_first_one_starts),
        CASE(test_nothing_is_started_any_more),
        CASE(test_is_announced),
        CASE(test_the_second_time_also_of_one_that_is_announced),
#undef CASE
    };
    return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
