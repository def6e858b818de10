#include "support/masterparts.h"

#include "daemon/log_reopen.h"

static struct log_reopen reopen;
static char path[PATH_MAX];

static int setup(void **state)
{
    setup_parts(state);
    reopen = (struct log_reopen){.generations = &parts.generations, .fetches = &parts.fetches};
    parts.extra_option = "log.access";
    parts.extra_value = tempdir_path(&parts.dir, "access", path);
    return 0;
}

static int teardown(void **state)
{
    log_reopen_cleanup(&reopen);
    return teardown_parts(state);
}

static bool is_done(void)
{
    return !reopen.fetch;
}

// Asks for it; the end that the answer is read from.
static int ask(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    log_reopen_start(&reopen, pair[1]);
    close(pair[1]);
    return pair[0];
}

TEST(test_opens_anew)
{
    start_first();
    unlink(path);
    int first = ask();
    assert_told(first, NULL);
    int second = ask(); // its file may have been renamed since the first one began
    run_until(is_done);
    assert_told(first, "result 27\nthe log files are open anew");
    assert_told(second, "result 27\nthe log files are open anew");
    assert_int_equal(access(path, F_OK), 0);
}

TEST(test_the_old_one_goes_on)
{
    start_first();
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    int fd = ask();
    run_until(is_done);
    char got[4 * PATH_MAX] = "";
    assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
    assert_starts(got, "error ");
    assert_contains(got, "/access\" cannot be opened: Is a directory; the old one goes on");
    assert_true(log_has(&parts.dir, "cannot be opened: Is a directory; the old one goes on"));
    close(fd);
    log_reopen_start(&reopen, -1); // nobody waits
    run_until(is_done);
}

static bool no_process_is_left(void)
{
    return list_is_empty(&parts.fetches.list); // it might have the clients' sockets still
}

TEST(test_too_many)
{
    int fds[LOG_REOPEN_WAITERS];
    start_first();
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = ask();
    assert_told(ask(), "error 39\ntoo many wait for the log files already");
    log_reopen_cleanup(&reopen);
    run_until(no_process_is_left);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        assert_told(fds[i], "error 16\nthe server stops");
}

TEST(test_interrupted_by_an_upgrade)
{
    start_first();
    unlink(path);
    int fd = ask();
    log_reopen_interrupt(&reopen);
    assert_null(reopen.fetch);
    fetches_cleanup(&parts.fetches); // as an upgrade does
    assert_told(fd, "error 37\nan upgrade came in between; ask again");
    unlink(path);
    log_reopen_go_on(&reopen);
    run_until(is_done);
    assert_int_equal(access(path, F_OK), 0);
    log_reopen_interrupt(&reopen); // of nothing
    log_reopen_go_on(&reopen);
    assert_null(reopen.fetch);
}

// Nothing is to be opened.
TEST(test_without_a_log)
{
    parts.extra_value = "off";
    start_first();
    int fd = ask();
    run_until(is_done);
    assert_told(fd, "result 27\nthe log files are open anew");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(test_opens_anew),    CASE(test_the_old_one_goes_on),
        CASE(test_too_many),      CASE(test_interrupted_by_an_upgrade),
        CASE(test_without_a_log),
#undef CASE
    };
    return cmocka_run_group_tests_name("log_reopen", tests, NULL, NULL);
}
