#include "support/unit.h"

#include "sys/signals.h"

#include <signal.h>
#include <unistd.h>

TEST(test_wanted_signals_are_read)
{
    const int wanted[] = {SIGTERM, SIGUSR1, 0};
    int fd = signals_open(wanted);
    assert_true(fd >= 0);
    assert_int_equal(signals_next(fd), 0);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP); // blocked, never seen; unblocked it would end the test
    int first = signals_next(fd), second = signals_next(fd);
    assert_true((first == SIGUSR1 && second == SIGTERM) || (first == SIGTERM && second == SIGUSR1));
    assert_int_equal(signals_next(fd), 0);
    close(fd);
}

TEST(test_pipe_signal_is_ignored)
{
    const int wanted[] = {SIGTERM, 0};
    struct sigaction action;
    close(signals_open(wanted));
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
}

static bool is_ignored(int number)
{
    struct sigaction action;
    assert_int_equal(sigaction(number, NULL, &action), 0);
    return action.sa_handler == SIG_IGN;
}

// As nohup and shells without job control make a process begin.
TEST(test_inherited_as_ignored)
{
    const int wanted[] = {SIGTERM, 0};
    signal(SIGTERM, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    assert_true(signals_is_ignored(SIGHUP));
    int fd = signals_open(wanted);
    kill(getpid(), SIGTERM);
    assert_int_equal(signals_next(fd), SIGTERM);
    assert_false(is_ignored(SIGTERM));
    assert_false(is_ignored(SIGCHLD));
    assert_true(signals_is_ignored(SIGHUP)); // not wanted: the next image inherits it as well
    close(fd);
    signal(SIGHUP, SIG_DFL);
    assert_false(signals_is_ignored(SIGHUP));
}

TEST(test_reset)
{
    signal(SIGHUP, SIG_IGN);
    signal(SIGABRT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGRTMAX, SIG_IGN);
    signals_reset();
    assert_false(is_ignored(SIGHUP));
    assert_false(is_ignored(SIGABRT));
    assert_false(is_ignored(SIGRTMAX));
    assert_true(is_ignored(SIGPIPE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inherited_as_ignored),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_wanted_signals_are_read),
        cmocka_unit_test(test_pipe_signal_is_ignored),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
