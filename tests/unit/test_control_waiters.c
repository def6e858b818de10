#include "support/process.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "base/log.h"
#include "daemon/control_waiters.h"

#include <errno.h>

static void assert_told(int fd, const char *want)
{
    char got[256] = "";
    ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    assert_string_equal(got, want);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 0); // and it is over
}

static int wait_for(struct control_waiters *w)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(control_waiters_add(w, pair[1]), 0);
    close(pair[1]); // it keeps its own
    return pair[0];
}

TEST(test_all_are_told)
{
    struct control_waiters w = {.count = 0};
    size_t before = count_fds();
    int a = wait_for(&w), b = wait_for(&w);
    control_waiters_listen(&w);
    control_waiters_tell(&w, true, "well");
    assert_told(a, "result 4\nwell");
    assert_told(b, "result 4\nwell");
    close(a);
    close(b);
    assert_int_equal(w.count, 0);
    control_waiters_tell(&w, true, "nobody listens");
    assert_int_equal(count_fds(), before);
}

TEST(test_what_was_logged)
{
    struct control_waiters w = {.count = 0};
    char line[600];
    int a = wait_for(&w);
    log_err("before"); // is not meant for them
    control_waiters_listen(&w);
    log_warn("a warning is none");
    log_err("first");
    log_err("second");
    control_waiters_tell(&w, false, "failed");
    assert_told(a, "logged 12\nfirst\nsecond");
    close(a);
    a = wait_for(&w);
    control_waiters_listen(&w);
    control_waiters_tell(&w, false, "failed");
    assert_told(a, "error 6\nfailed");
    close(a);
    control_waiters_listen(&w);
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    for (int i = 0; i < 10; i++)
        log_err("%s", line); // more than there is room for
    assert_true(strlen(w.faults) < sizeof(w.faults));
    control_waiters_tell(&w, false, "failed");
}

TEST(test_who_comes_later)
{
    struct control_waiters w = {.count = 0};
    int a = wait_for(&w);
    control_waiters_listen(&w);
    int b = wait_for(&w); // waits for what begins after this
    control_waiters_tell(&w, true, "first");
    assert_told(a, "result 5\nfirst");
    assert_int_equal(w.count, 1);
    control_waiters_tell(&w, false, "nothing was under way");
    assert_int_equal(w.count, 1);
    control_waiters_listen(&w);
    log_err("wrong");
    control_waiters_tell(&w, false, "failed");
    assert_told(b, "logged 5\nwrong");
    assert_int_equal(w.count, 0);
    close(a);
    close(b);
}

TEST(test_too_many)
{
    struct control_waiters w = {.count = 0};
    int fds[CONTROL_WAITERS_MAX];
    for (unsigned i = 0; i < CONTROL_WAITERS_MAX; i++)
        fds[i] = wait_for(&w);
    assert_int_equal(control_waiters_add(&w, 0), -EBUSY);
    control_waiters_listen(&w);
    control_waiters_tell(&w, true, "well");
    for (unsigned i = 0; i < CONTROL_WAITERS_MAX; i++) {
        assert_told(fds[i], "result 4\nwell");
        close(fds[i]);
    }
    assert_int_equal(control_waiters_add(&w, -1), -EBADF);
}

// Those that another image has kept; there may be more than this one has room for.
TEST(test_take_over)
{
    struct control_waiters w = {.count = 0};
    int theirs[CONTROL_WAITERS_MAX + 1], fds[CONTROL_WAITERS_MAX + 1];
    char byte;
    size_t before = count_fds();
    for (unsigned i = 0; i < ARRAY_SIZE(fds); i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        fds[i] = pair[0];
        theirs[i] = pair[1];
    }
    control_waiters_take_over(&w, theirs, ARRAY_SIZE(theirs));
    assert_int_equal(w.count, CONTROL_WAITERS_MAX);
    assert_int_equal(recv(fds[CONTROL_WAITERS_MAX], &byte, 1, MSG_DONTWAIT), 0); // no answer
    control_waiters_tell(&w, true, "well");
    for (unsigned i = 0; i < CONTROL_WAITERS_MAX; i++)
        assert_told(fds[i], "result 4\nwell");
    for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
    assert_int_equal(count_fds(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_told),    cmocka_unit_test(test_what_was_logged),
        cmocka_unit_test(test_who_comes_later), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_take_over),
    };
    return cmocka_run_group_tests_name("control_waiters", tests, logged_dir_enter,
                                       logged_dir_leave);
}
