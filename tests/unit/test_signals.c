#include "unit.h"

#include "sys/signals.h"

#include <signal.h>
#include <unistd.h>

static void test_wanted_signals_are_read(void **state)
{
    const int wanted[] = {SIGTERM, SIGUSR1, 0};
    (void)state;
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

static void test_pipe_signal_is_ignored(void **state)
{
    const int wanted[] = {SIGTERM, 0};
    struct sigaction action;
    (void)state;
    close(signals_open(wanted));
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_IGN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wanted_signals_are_read),
        cmocka_unit_test(test_pipe_signal_is_ignored),
    };
    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
