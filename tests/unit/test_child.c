#include "support/process.h"

#include "daemon/child.h"
#include "sys/systemd.h"

static int return_number(void *context, int channel)
{
    (void)channel;
    return *(int *)context;
}

static int wait_for_end(void *context, int channel)
{
    char byte;
    (void)context;
    struct pollfd p = {.fd = channel, .events = POLLIN};
    poll(&p, 1, PATIENCE);
    return read(channel, &byte, 1) == 0 ? 42 : 1;
}

// Tells which of the first descriptors are open.
static int tell_open(void *context, int channel)
{
    char is_open[64];
    (void)context;
    for (int fd = 0; fd < 64; fd++)
        is_open[fd] = fd == channel ? 'c' : fcntl(fd, F_GETFD) >= 0;
    return send(channel, is_open, sizeof(is_open), 0) != sizeof(is_open);
}

static int has_manager(void *context, int channel)
{
    (void)context;
    (void)channel;
    return systemd_has_manager();
}

static int count_ignored(void *context, int channel)
{
    struct sigaction action;
    int count = 0;
    (void)context;
    (void)channel;
    for (int s = 1; s <= SIGRTMAX; s++)
        count += s != SIGPIPE && sigaction(s, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    return count;
}

static int reap(struct child *c)
{
    int status;
    struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE), 1); // it ends, and its pidfd tells
    assert_int_equal(child_reap(c, &status), 0);
    child_close(c);
    assert_int_equal(c->pid, 0);
    return status;
}

TEST(test_status)
{
    static const int statuses[] = {0, 1, 78, 255};
    char text[128], want[128];
    size_t before = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        struct child c;
        int number = statuses[i];
        assert_int_equal(child_spawn(&c, return_number, &number, NULL, 0), 0);
        child_describe_status(reap(&c), text, sizeof(text));
        snprintf(want, sizeof(want), "ended with status %d", number);
        assert_string_equal(text, want);
    }
    assert_int_equal(count_fds(), before);
}

// Only the master talks to the service manager.
TEST(test_has_nothing_to_tell)
{
    struct child c;
    setenv("NOTIFY_SOCKET", "@nobody", 1);
    assert_int_equal(child_spawn(&c, has_manager, NULL, NULL, 0), 0);
    assert_int_equal(reap(&c), 0);
    assert_non_null(getenv("NOTIFY_SOCKET"));
    unsetenv("NOTIFY_SOCKET");
}

// SIGABRT is what a worker that hangs is ended by, whatever the master has inherited.
TEST(test_ignores_no_signal)
{
    struct child c;
    signal(SIGABRT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    assert_int_equal(child_spawn(&c, count_ignored, NULL, NULL, 0), 0);
    signal(SIGABRT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    assert_int_equal(reap(&c), 0);
}

TEST(test_killed)
{
    struct child c;
    char text[128];
    int status = 12345;
    size_t before = count_fds();
    assert_int_equal(child_spawn(&c, wait_for_end, NULL, NULL, 0), 0);
    assert_int_equal(child_reap(&c, &status), -EAGAIN); // lives
    assert_true(c.pid > 0);
    struct pollfd p = {.fd = c.pidfd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(kill(c.pid, SIGKILL), 0);
    child_describe_status(reap(&c), text, sizeof(text));
    assert_string_equal(text, "was killed by signal 9 (Killed)");
    assert_int_equal(count_fds(), before);
}

TEST(test_kill)
{
    struct child c;
    size_t before = count_fds();
    assert_int_equal(child_spawn(&c, wait_for_end, NULL, NULL, 0), 0);
    pid_t pid = c.pid;
    child_kill(&c);
    assert_int_equal(c.pid, 0);
    assert_int_equal(kill(pid, 0), -1); // gone, and reaped
    assert_int_equal(count_fds(), before);
}

static pid_t fork_one(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        alarm(PATIENCE / 1000); // if the test fails
        pause();
        _exit(1);
    }
    assert_true(pid > 0);
    return pid;
}

static bool is_same(void *context, pid_t pid)
{
    return pid == *(pid_t *)context;
}

static void kill_and_await(pid_t pid)
{
    siginfo_t info;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

// Those that a process has from before an exec, but for those that it knows of.
TEST(test_left)
{
    int status;
    if (access("/proc/thread-self/children", R_OK) < 0)
        skip();
    pid_t others[] = {fork_one(), fork_one()}, known = fork_one();
    child_leave_others(is_same, &known);
    assert_int_equal(child_reap_left(), 2);
    kill_and_await(known);
    kill_and_await(others[1]);
    assert_int_equal(child_reap_left(), 1);
    assert_int_equal(kill(others[1], 0), -1);
    assert_int_equal(waitpid(known, &status, WNOHANG), known);
    kill_and_await(others[0]);
    assert_int_equal(child_reap_left(), 0);
    assert_int_equal(kill(others[0], 0), -1);
    child_forget_left();
}

// As long as it was not reaped, even when it has ended.
TEST(test_signal)
{
    struct child c;
    siginfo_t info;
    assert_int_equal(child_spawn(&c, wait_for_end, NULL, NULL, 0), 0);
    assert_int_equal(child_signal(&c, SIGTERM), 0);
    assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(info.si_status, SIGTERM);
    assert_int_equal(child_signal(&c, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED), 0);
    assert_int_equal(child_signal(&c, SIGKILL), -ESRCH);
    child_close(&c);
}

TEST(test_hears_of_our_end)
{
    struct child c;
    assert_int_equal(child_spawn(&c, wait_for_end, NULL, NULL, 0), 0);
    assert_int_equal(shutdown(c.channel, SHUT_WR), 0);
    assert_int_equal(WEXITSTATUS(reap(&c)), 42);
}

static void note_end(void *context, int status)
{
    *(int *)context = status;
}

TEST(test_look)
{
    struct watches watches;
    struct child c;
    siginfo_t info;
    int status = -1;
    assert_int_equal(watch_init(&watches), 0);
    assert_int_equal(child_spawn(&c, wait_for_end, NULL, NULL, 0), 0);
    assert_int_equal(child_watch(&c, &watches, note_end, &status), 0);
    child_look(&c);
    assert_int_equal(status, -1);
    child_signal(&c, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT), 0);
    child_look(&c);
    assert_true(WIFSIGNALED(status));
    child_close(&c);
    child_look(&c); // nobody is there
    watch_cleanup(&watches);
}

// Its end is heard of once; one that cannot be reaped yet is tried again later.
TEST(test_watched)
{
    struct watches watches;
    struct child c;
    int status = -1;
    size_t before = count_fds();
    assert_int_equal(watch_init(&watches), 0);
    watches.now = 1000;
    assert_int_equal(child_spawn(&c, wait_for_end, NULL, NULL, 0), 0);
    assert_int_equal(child_watch(&c, &watches, note_end, &status), 0);
    c.watch.ready(&c); // its pidfd is readable, but it is its tracer's to reap
    assert_int_equal(status, -1);
    assert_int_equal(timers_next(&watches.timers), 1050);
    timers_run(&watches.timers, 1050);
    assert_int_equal(status, -1);
    assert_int_equal(timers_next(&watches.timers), 1050);
    kill(c.pid, SIGKILL);
    while (status == -1) {
        usleep(1000);
        timers_run(&watches.timers, 1050);
    }
    assert_true(WIFSIGNALED(status));
    child_close(&c);
    assert_int_equal(timers_next(&watches.timers), -1);

    status = -1;
    assert_int_equal(child_spawn(&c, wait_for_end, NULL, NULL, 0), 0);
    assert_int_equal(child_watch(&c, &watches, note_end, &status), 0);
    kill(c.pid, SIGKILL);
    assert_int_equal(watch_wait_ready(&watches, PATIENCE), 1);
    assert_true(WIFSIGNALED(status));
    child_close(&c);
    assert_int_equal(watch_wait_ready(&watches, 0), 0);
    watch_cleanup(&watches);
    assert_int_equal(count_fds(), before);
}

static void check_kept(const int *keep, size_t count)
{
    struct child c;
    char is_open[64];
    assert_int_equal(child_spawn(&c, tell_open, NULL, keep, count), 0);
    assert_int_equal(fcntl(c.channel, F_GETFD), FD_CLOEXEC);
    struct pollfd p = {.fd = c.channel, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    assert_int_equal(recv(c.channel, is_open, sizeof(is_open), 0), sizeof(is_open));
    int channels = 0;
    for (int fd = 0; fd < 64; fd++) {
        bool kept = fd < 3 && fcntl(fd, F_GETFD) >= 0;
        for (size_t i = 0; i < count; i++)
            kept = kept || keep[i] == fd;
        channels += is_open[fd] == 'c';
        if (is_open[fd] != 'c' && is_open[fd] != kept)
            fail_msg("descriptor %d: open %d, want %d", fd, is_open[fd], kept);
    }
    assert_int_equal(channels, 1);
    assert_int_equal(reap(&c), 0);
}

TEST(test_closes_all_but_what_is_kept)
{
    int fds[12];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        assert_true((fds[i] = open("/", O_PATH)) >= 0);
    const int some[] = {fds[7], fds[2], fds[3], fds[7], fds[11]}; // unsorted, one twice
    check_kept(some, ARRAY_SIZE(some));
    check_kept(&fds[5], 1);
    check_kept(fds, ARRAY_SIZE(fds));
    check_kept(NULL, 0);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

TEST(test_too_many)
{
    static int keep[2000];
    struct child c = {.pid = 77};
    int number = 0;
    size_t before = count_fds();
    assert_int_equal(child_spawn(&c, return_number, &number, keep, ARRAY_SIZE(keep)), -E2BIG);
    assert_int_equal(c.pid, 77);
    assert_int_equal(count_fds(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_has_nothing_to_tell),
        cmocka_unit_test(test_ignores_no_signal),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_kill),
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_watched),
        cmocka_unit_test(test_hears_of_our_end),
        cmocka_unit_test(test_closes_all_but_what_is_kept),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
