#include "support/masterparts.h"

static bool second_is_current(void)
{
    return is_settled() && parts.generations.current->id == 2;
}

static bool third_is_current(void)
{
    return is_settled() && parts.generations.current->id == 3;
}

static bool fourth_is_current(void)
{
    return is_settled() && parts.generations.current->id == 4;
}

static bool none_waits(void)
{
    return parts.outcome.waiters.count == 0;
}

TEST(test_one_generation_follows_another)
{
    start_first();
    assert_true(log_has(&parts.dir, "ready: generation 1, 1 workers\n"));
    assert_string_equal(parts.outcome.text, ""); // a start is no reload
    assert_fetched(&parts.dir, "/hello", "one");
    int waiter = add_waiter();
    begin_reload();
    assert_non_null(parts.generations.starting);
    run_until(second_is_current);
    assert_string_equal(parts.outcome.text, "generation 2 is ready");
    run_until(none_waits);
    assert_told(waiter, "result 21\ngeneration 2 is ready");
    assert_fetched(&parts.dir, "/hello", "one");
    run_until(is_alone); // the first one has gone
}

// A client that waits is told only when no loop of the old generation accepts any more.
TEST(test_the_old_one_is_waited_for)
{
    start_first();
    kill(parts.generations.current->workers[0].child.pid, SIGSTOP); // it will not hear of its end
    int waiter = add_waiter();
    int64_t begin = clock_now();
    reload_start(&parts.reload);
    run_until(second_is_current);
    assert_told(waiter, NULL);
    assert_non_null(parts.reload.waiting_for_old);
    run_until(none_waits); // one that hangs is not waited for for ever
    assert_true(clock_now() >= begin + 1000);
    assert_told(waiter, "result 21\ngeneration 2 is ready");
    assert_null(parts.reload.waiting_for_old);
}

// A reload that comes while another starts follows it, with what the file says then.
TEST(test_one_at_a_time)
{
    start_first();
    reload_start(&parts.reload);
    reload_start(&parts.reload);
    assert_true(parts.reload.is_wanted);
    run_until(third_is_current);
    assert_false(parts.reload.is_wanted);
}

// A reload that comes while two generations hand over waits until one of them has ended.
TEST(test_two_hand_over_at_most)
{
    start_first();
    pid_t first = parts.generations.current->workers[0].child.pid;
    kill(first, SIGSTOP); // it will not hear of its end
    reload_start(&parts.reload);
    run_until(second_is_current);
    pid_t second = parts.generations.current->workers[0].child.pid;
    kill(second, SIGSTOP);
    reload_start(&parts.reload);
    run_until(third_is_current);
    reload_start(&parts.reload);
    assert_true(parts.reload.is_wanted);
    assert_null(parts.generations.starting);
    kill(first, SIGCONT);
    run_until(fourth_is_current);
    assert_false(parts.reload.is_wanted);
}

TEST(test_a_configuration_that_cannot_be_used)
{
    start_first();
    parts.is_bad = true;
    int waiter = add_waiter();
    reload_start(&parts.reload);
    assert_null(parts.generations.starting);
    assert_told(waiter, "logged 35\nreload failed: generation 1 goes on");
    assert_string_equal(parts.outcome.text, "failed, generation 1 goes on");
    parts.is_bad = false;
    parts.extra_option = "log.access";
    parts.extra_value = "/nonexistent/log";
    waiter = add_waiter();
    begin_reload();
    assert_null(parts.generations.starting);
    assert_told(waiter, "logged 117\n-o: the access log \"/nonexistent/log\" cannot be opened: "
                        "No such file or directory\nreload failed: generation 1 goes on");
    assert_int_equal(parts.reload.exit_status, 0);
    assert_int_equal(parts.failures, 0); // none had begun
    assert_fetched(&parts.dir, "/hello", "one");
}

TEST(test_a_worker_dies_before_it_is_ready)
{
    start_first();
    int waiter = add_waiter();
    parts.is_deaf = true; // it may be quicker than its end
    begin_reload();
    assert_non_null(parts.generations.starting);
    kill(parts.generations.starting->workers[0].child.pid, SIGKILL);
    run_until(is_settled);
    assert_int_equal(parts.generations.current->id, 1);
    assert_int_equal(parts.failures, 1);
    assert_string_equal(parts.outcome.text, "failed, generation 1 goes on");
    assert_true(log_has(&parts.dir, "generation 2 could not start\n"));
    assert_fetched(&parts.dir, "/hello", "one");
    run_until(none_waits);
    close(waiter);
}

TEST(test_not_ready_in_time)
{
    start_first();
    parts.is_deaf = true;
    begin_reload();
    assert_true(timers_is_set(&parts.reload.starting_deadline));
    assert_true(parts.reload.starting_deadline.when > clock_now() + GENERATION_START_TIME - 1000);
    timers_set(&parts.watches.timers, &parts.reload.starting_deadline, 0);
    run_until(is_settled);
    assert_int_equal(parts.generations.current->id, 1);
    assert_true(log_has(&parts.dir, "generation 2 is not ready in time\n"));
    assert_int_equal(parts.failures, 1);
}

TEST(test_the_first_cannot_start)
{
    parts.extra_option = "log.access";
    parts.extra_value = "/nonexistent/log";
    reload_begin(&parts.reload);
    reload_start_first(&parts.reload, load_conf(NULL));
    run_until(is_settled);
    assert_null(parts.generations.starting);
    assert_int_equal(parts.launches, 1);
    assert_int_equal(parts.reload.exit_status, RELOAD_EX_CONFIG);
}

static bool first_starts(void)
{
    return parts.generations.starting != NULL;
}

static bool none_will_serve(void)
{
    return parts.reload.exit_status != 0;
}

// Its workers are still ending.
TEST(test_no_reload_after_the_first_could_not_start)
{
    parts.is_deaf = true;
    reload_begin(&parts.reload);
    reload_start_first(&parts.reload, load_conf(NULL));
    run_until(first_starts);
    timers_set(&parts.watches.timers, &parts.reload.starting_deadline, 0);
    run_until(none_will_serve);
    assert_false(none_is_left());
    parts.is_bad = true;
    reload_start(&parts.reload);
    parts.is_bad = false;
    reload_start(&parts.reload);
    assert_false(reload_is_launching(&parts.reload));
    run_until(none_is_left);
}

TEST(test_follows_a_root_that_was_swapped)
{
    start_first();
    reload_check_roots(&parts.reload);
    assert_null(parts.generations.starting);
    lead_site_to("two");
    parts.is_bad = true;          // the file is not read for it
    run_until(second_is_current); // within a second
    assert_true(log_has(&parts.dir, "a root leads to another directory now\n"));
    await_fetched(&parts.dir, "/hello", "two");
}

// A root that does not answer fails no reload; when it does, it is followed.
TEST(test_a_root_that_does_not_answer)
{
    char path[PATH_MAX];
    start_first();
    assert_int_equal(symlink("two", tempdir_path(&parts.dir, "silent", path)), 0);
    parts.extra_option = "timeouts.root";
    parts.extra_value = "300ms";
    parts.site = "silent";
    reload_start(&parts.reload);
    run_until(second_is_current);
    assert_contains(parts.outcome.text, "generation 2 is ready; /");
    assert_contains(parts.outcome.text, "/silent does not answer");
    struct tree *tree = &parts.generations.current->served.sites.items[0].trees[0];
    assert_contains(tree->silent, "/silent");
    tree->silent = tempdir_path(&parts.dir, "two", path); // as if it answered
    run_until(third_is_current);
    assert_true(log_has(&parts.dir, "a root that did not answer does so by now\n"));
}

// While a new image proves itself nothing is started.
TEST(test_may_be_held)
{
    start_first();
    reload_hold(&parts.reload);
    lead_site_to("two");
    reload_check_roots(&parts.reload);
    assert_null(parts.generations.starting);
    reload_start(&parts.reload);
    assert_null(parts.generations.starting);
    assert_true(parts.reload.is_wanted);
    reload_release(&parts.reload);
    run_until(second_is_current);
    assert_false(parts.reload.is_wanted);
}

TEST(test_not_ready_for_more_until_a_reload)
{
    start_first();
    generations_make_unready(&parts.generations);
    lead_site_to("two");
    run_until(second_is_current);
    assert_true(parts.generations.is_unready); // a deploy does not change that
    reload_start(&parts.reload);
    run_until(third_is_current);
    assert_false(parts.generations.is_unready);
}

TEST(test_dismisses_those_who_wait)
{
    start_first();
    reload_hold(&parts.reload);
    int waiter = add_waiter();
    reload_start(&parts.reload);
    reload_dismiss(&parts.reload);
    assert_told(waiter, "error 16\nthe server stops");
    assert_false(parts.reload.is_wanted);
    reload_release(&parts.reload);
    assert_false(timers_is_set(&parts.reload.start));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_parts, teardown_parts)
        CASE(test_one_generation_follows_another),
        CASE(test_the_old_one_is_waited_for),
        CASE(test_one_at_a_time),
        CASE(test_two_hand_over_at_most),
        CASE(test_a_configuration_that_cannot_be_used),
        CASE(test_a_worker_dies_before_it_is_ready),
        CASE(test_not_ready_in_time),
        CASE(test_the_first_cannot_start),
        CASE(test_no_reload_after_the_first_could_not_start),
        CASE(test_follows_a_root_that_was_swapped),
        CASE(test_a_root_that_does_not_answer),
        CASE(test_may_be_held),
        CASE(test_not_ready_for_more_until_a_reload),
        CASE(test_dismisses_those_who_wait),
#undef CASE
    };
    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
