#include "support/unit.h"

#include "precompress/interrupt.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// Whoever runs the tests may ignore signals, and a process inherits that.
static void reset_signals(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        signal(numbers[i], SIG_DFL);
}

// In a process of its own: how it ends (the signal, or 100 and the exit status).
static int end_of(void (*body)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        reset_signals();
        body();
        _exit(7);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 100 + WEXITSTATUS(status);
}

static void none(void)
{
    interrupt_init();
    if (interrupt_seen() != 0)
        _exit(1);
    interrupt_finish();
}

static void two(void)
{
    interrupt_init();
    raise(SIGTERM);
    raise(SIGINT);
    if (interrupt_seen() != SIGTERM)
        _exit(1);
    interrupt_finish();
}

static void ignored(void)
{
    signal(SIGHUP, SIG_IGN);
    interrupt_init();
    raise(SIGHUP);
    raise(SIGPIPE);
    raise(SIGXFSZ);
    if (interrupt_seen() != 0)
        _exit(1);
    interrupt_finish();
}

static void hangup(void)
{
    interrupt_init();
    raise(SIGHUP);
    interrupt_finish();
}

TEST(test_ends)
{
    assert_int_equal(end_of(none), 107);
    assert_int_equal(end_of(two), SIGTERM);
    assert_int_equal(end_of(ignored), 107);
    assert_int_equal(end_of(hangup), SIGHUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ends)};
    return cmocka_run_group_tests_name("interrupt", tests, NULL, NULL);
}
