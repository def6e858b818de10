#include "process.h"
#include "tempdir.h"
#include "unit.h"

#include "base/log.h"
#include "daemon/waiters.h"

#include <errno.h>

static struct tempdir dir;
static int saved_stderr;

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    saved_stderr = redirect_stderr(&dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    restore_stderr(saved_stderr);
    tempdir_remove(&dir);
    return 0;
}

static void assert_told(int fd, const char *want)
{
    char got[256] = "";
    ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    assert_string_equal(got, want);
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 0); // and it is over
}

static int wait_for(struct waiters *w)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(waiters_add(w, pair[1]), 0);
    close(pair[1]); // it keeps its own
    return pair[0];
}

static void test_all_are_told(void **state)
{
    struct waiters w = {.count = 0};
    (void)state;
    size_t before = count_fds();
    int a = wait_for(&w), b = wait_for(&w);
    waiters_listen(&w);
    waiters_tell(&w, true, "well");
    assert_told(a, "{\"result\": \"well\"}\n");
    assert_told(b, "{\"result\": \"well\"}\n");
    close(a);
    close(b);
    assert_int_equal(w.count, 0);
    waiters_tell(&w, true, "nobody listens");
    assert_int_equal(count_fds(), before);
}

static void test_what_was_logged(void **state)
{
    struct waiters w = {.count = 0};
    char line[600];
    (void)state;
    int a = wait_for(&w);
    log_err("before"); // is not meant for them
    waiters_listen(&w);
    log_warn("a warning is none");
    log_err("first");
    log_err("second");
    waiters_tell(&w, false, "failed");
    assert_told(a, "{\"error\": \"first\\nsecond\"}\n");
    close(a);
    a = wait_for(&w);
    waiters_listen(&w);
    waiters_tell(&w, false, "failed");
    assert_told(a, "{\"error\": \"failed\"}\n");
    close(a);
    waiters_listen(&w);
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\0';
    for (int i = 0; i < 10; i++)
        log_err("%s", line); // more than there is room for
    assert_true(strlen(w.faults) < sizeof(w.faults));
    waiters_tell(&w, false, "failed");
}

static void test_who_comes_later(void **state)
{
    struct waiters w = {.count = 0};
    (void)state;
    int a = wait_for(&w);
    waiters_listen(&w);
    int b = wait_for(&w); // waits for what begins after this
    waiters_tell(&w, true, "first");
    assert_told(a, "{\"result\": \"first\"}\n");
    assert_int_equal(w.count, 1);
    waiters_tell(&w, false, "nothing was under way");
    assert_int_equal(w.count, 1);
    waiters_listen(&w);
    log_err("wrong");
    waiters_tell(&w, false, "failed");
    assert_told(b, "{\"error\": \"wrong\"}\n");
    assert_int_equal(w.count, 0);
    close(a);
    close(b);
}

static void test_too_many(void **state)
{
    struct waiters w = {.count = 0};
    int fds[WAITERS_MAX];
    (void)state;
    for (unsigned i = 0; i < WAITERS_MAX; i++)
        fds[i] = wait_for(&w);
    assert_int_equal(waiters_add(&w, 0), -EBUSY);
    waiters_listen(&w);
    waiters_tell(&w, true, "well");
    for (unsigned i = 0; i < WAITERS_MAX; i++) {
        assert_told(fds[i], "{\"result\": \"well\"}\n");
        close(fds[i]);
    }
    assert_int_equal(waiters_add(&w, -1), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_told),
        cmocka_unit_test(test_what_was_logged),
        cmocka_unit_test(test_who_comes_later),
        cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests_name("waiters", tests, setup, teardown);
}
