#include "support/masterparts.h"

#include "daemon/upgrade.h"

static char name[] = "tined";
static char *arguments[] = {name, NULL};
static struct explain_workers explain_workers;
static struct log_reopen reopen;
static struct upgrade upgrade;

static int setup(void **state)
{
    struct upgrade_state none;
    enum upgrade_exec_role role;
    setup_parts(state);
    explain_worker_init(&explain_workers, &parts.watches);
    reopen = (struct log_reopen){.generations = &parts.generations, .fetches = &parts.fetches};
    upgrade = (struct upgrade){.generations = &parts.generations,
                               .service_manager = &parts.service_manager,
                               .outcome = &parts.outcome,
                               .reload = &parts.reload,
                               .stop = &parts.stop,
                               .explain_workers = &explain_workers,
                               .fetches = &parts.fetches,
                               .log_reopen = &reopen};
    upgrade_init(&upgrade);
    assert_int_equal(upgrade_exec_init(&upgrade.exec, arguments, &role, &none), 0);
    return 0;
}

static int teardown(void **state)
{
    upgrade_cleanup(&upgrade);
    log_reopen_cleanup(&reopen);
    return teardown_parts(state);
}

// The new image is this script.
static void put_image(const char *script)
{
    tempdir_puts(&parts.dir, "program", script);
    assert_int_equal(chmod(tempdir_path(&parts.dir, "program", upgrade.exec.path), 0700), 0);
}

static bool no_proof_is_under_way(void)
{
    return upgrade.exec.proof.pid == 0 && !timers_is_set(&upgrade.proof_end);
}

TEST(test_only_of_what_serves)
{
    put_image("#!/bin/sh\nexit 0\n");
    assert_false(upgrade_is_possible(&upgrade)); // nothing serves yet
    upgrade_start(&upgrade);
    assert_true(log_has(&parts.dir, UPGRADE_NOT_NOW "\n"));
    assert_int_equal(upgrade.exec.proof.pid, 0);
    start_first();
    assert_true(upgrade_is_possible(&upgrade));
    reload_start(&parts.reload);
    assert_false(upgrade_is_possible(&upgrade));
    run_until(is_settled);
    assert_true(upgrade_is_possible(&upgrade));
    stop_request(&parts.stop);
    assert_false(upgrade_is_possible(&upgrade));
}

TEST(test_an_image_that_is_refused)
{
    put_image("#!/bin/sh\nexit 78\n");
    start_first();
    int waiter = add_waiter();
    upgrade_start(&upgrade);
    assert_int_not_equal(upgrade.exec.proof.pid, 0);
    assert_false(upgrade_is_possible(&upgrade)); // one at a time
    assert_true(parts.reload.is_held);
    run_until(no_proof_is_under_way);
    assert_string_equal(parts.outcome.text, "upgrade refused");
    assert_false(parts.reload.is_held);
    assert_false(timers_is_set(&upgrade.proof_deadline));
    char got[512] = "";
    assert_true(recv(waiter, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
    assert_starts(got, "logged ");
    close(waiter);
    assert_fetched(&parts.dir, "/hello", "one");
}

// The deadline has a timer of its own: nothing else has to happen for it to be met.
TEST(test_a_proof_that_takes_too_long)
{
    put_image("#!/bin/sh\nexec sleep 100\n");
    start_first();
    int64_t begin = clock_now();
    upgrade_start(&upgrade);
    assert_true(timers_is_set(&upgrade.proof_deadline));
    assert_true(upgrade.proof_deadline.when >= begin + 10000);
    assert_true(upgrade.proof_deadline.when <= clock_now() + 10000);
    timers_cancel(&parts.reload.root_check);
    timers_cancel(&parts.generations.current->upkeep.look);
    assert_int_equal(timers_next(&parts.watches.timers), upgrade.proof_deadline.when);
    timers_set(&parts.watches.timers, &upgrade.proof_deadline, 0);
    run_until(no_proof_is_under_way);
    assert_true(log_has(&parts.dir, "did not prove itself in time\n"));
    assert_string_equal(parts.outcome.text, "upgrade refused");
    assert_false(parts.reload.is_held);
}

static bool second_is_current(void)
{
    return is_settled() && parts.generations.current->id == 2;
}

// A reload that comes meanwhile is not lost.
TEST(test_a_reload_waits_for_the_proof)
{
    put_image("#!/bin/sh\nexit 78\n");
    start_first();
    upgrade_start(&upgrade);
    reload_start(&parts.reload);
    assert_null(parts.generations.starting);
    run_until(second_is_current);
    assert_true(log_has(&parts.dir, "upgrade refused: "));
}

static bool log_is_open_anew(void)
{
    return no_proof_is_under_way() && !reopen.is_wanted && !reopen.fetch;
}

// It proves itself and is gone then.
static void put_vanishing_image(void)
{
    put_image("#!/bin/sh\n"
              "set -- $TINED_STATE\n"
              "printf 'proven ' 1<>/proc/self/fd/$1\n"
              "rm \"$0\"\n");
}

// Other events of the wait in which the proof ends may point at what is freed then.
TEST(test_follows_after_the_wait)
{
    siginfo_t info;
    put_vanishing_image();
    start_first();
    upgrade_start(&upgrade);
    assert_int_equal(waitid(P_PID, (id_t)upgrade.exec.proof.pid, &info, WEXITED | WNOWAIT), 0);
    while (upgrade.exec.proof.pid)
        assert_true(watch_wait_ready(&parts.watches, PATIENCE) > 0);
    assert_false(log_has(&parts.dir, "upgrade failed: "));
    assert_false(upgrade_is_possible(&upgrade));
    assert_true(parts.reload.is_held);
    run_until(no_proof_is_under_way);
    assert_true(log_has(&parts.dir, "upgrade failed: "));
    assert_true(upgrade_is_possible(&upgrade));
}

TEST(test_what_was_interrupted_goes_on)
{
    char path[PATH_MAX];
    put_vanishing_image();
    parts.extra_option = "log.access";
    parts.extra_value = tempdir_path(&parts.dir, "access", path);
    start_first();
    unlink(path);
    reopen.is_wanted = true;
    upgrade_start(&upgrade);
    run_until(log_is_open_anew);
    assert_true(log_has(&parts.dir, "upgrade failed: No such file or directory; "));
    assert_int_equal(access(path, F_OK), 0);
}

TEST(test_no_way_back)
{
    start_first();
    upgrade_go_back(&upgrade); // there is no image to go back to
    assert_false(log_has(&parts.dir, "going back"));
    upgrade_go_back_or_on(&upgrade);
    assert_string_equal(parts.outcome.text, "neither program can start; generation 1 goes on");
    upgrade.rollback_image = dup(0);
    size_t before = count_fds();
    upgrade_forget_rollback(&upgrade);
    upgrade_forget_rollback(&upgrade);
    assert_int_equal(upgrade.rollback_image, -1);
    assert_int_equal(count_fds(), before - 1);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(test_only_of_what_serves),
        CASE(test_an_image_that_is_refused),
        CASE(test_a_proof_that_takes_too_long),
        CASE(test_a_reload_waits_for_the_proof),
        CASE(test_follows_after_the_wait),
        CASE(test_what_was_interrupted_goes_on),
        CASE(test_no_way_back),
#undef CASE
    };
    return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
