#include "support/unit.h"

#include "sys/poller.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
    struct poller poller;
    int fds[2];
};

static int setup(void **state)
{
    static struct fixture f;
    assert_int_equal(poller_init(&f.poller), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, f.fds), 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->fds[0]);
    close(f->fds[1]);
    poller_cleanup(&f->poller);
    return 0;
}

static void assert_events(struct fixture *f, uint32_t ready)
{
    struct poller_event events[POLLER_MAX_EVENTS];
    int count = poller_wait(&f->poller, events, 0);
    assert_int_equal(count, ready ? 1 : 0);
    if (count) {
        assert_ptr_equal(events[0].source, f);
        assert_int_equal(events[0].ready, ready);
    }
}

TEST(test_readiness_follows_interest)
{
    struct fixture *f = *state;
    assert_int_equal(poller_add(&f->poller, f->fds[0], POLLER_IN, f), 0);
    assert_events(f, 0);
    assert_int_equal(write(f->fds[1], "x", 1), 1);
    assert_events(f, POLLER_IN);
    assert_events(f, POLLER_IN); // level-triggered
    assert_int_equal(poller_set(&f->poller, f->fds[0], POLLER_OUT, f), 0);
    assert_events(f, POLLER_OUT);
    poller_remove(&f->poller, f->fds[0]);
    assert_events(f, 0);
    poller_remove(&f->poller, f->fds[0]);
}

TEST(test_hang_up_is_both)
{
    struct fixture *f = *state;
    assert_int_equal(poller_add(&f->poller, f->fds[0], POLLER_OUT, f), 0);
    close(f->fds[1]);
    f->fds[1] = -1;
    assert_events(f, POLLER_IN | POLLER_OUT);
}

TEST(test_exclusive_wakes_one)
{
    struct fixture *f = *state;
    struct poller other;
    assert_int_equal(poller_init(&other), 0);
    assert_int_equal(poller_add(&f->poller, f->fds[0], POLLER_IN | POLLER_EXCLUSIVE, f), 0);
    assert_int_equal(poller_add(&other, f->fds[0], POLLER_IN | POLLER_EXCLUSIVE, f), 0);
    // The kernel refuses to change such an entry: it must be removed and added.
    assert_int_equal(poller_set(&f->poller, f->fds[0], POLLER_IN, f), -EINVAL);
    poller_cleanup(&other);
}

TEST(test_errors)
{
    struct fixture *f = *state;
    assert_int_equal(poller_add(&f->poller, -1, POLLER_IN, f), -EBADF);
    assert_int_equal(poller_set(&f->poller, f->fds[0], POLLER_IN, f), -ENOENT);
    assert_int_equal(poller_add(&f->poller, f->fds[0], POLLER_IN, f), 0);
    assert_int_equal(poller_add(&f->poller, f->fds[0], POLLER_IN, f), -EEXIST);
}

TEST(test_is_readable)
{
    struct fixture *f = *state;
    assert_false(poller_is_readable(f->fds[0]));
    assert_int_equal(write(f->fds[1], "x", 1), 1);
    assert_true(poller_is_readable(f->fds[0]));
    char c;
    assert_int_equal(read(f->fds[0], &c, 1), 1);
    assert_false(poller_is_readable(f->fds[0]));
}

TEST(test_has_hung_up)
{
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    assert_false(poller_has_hung_up(pair[0]));
    assert_int_equal(shutdown(pair[1], SHUT_WR), 0);
    assert_true(poller_has_hung_up(pair[0])); // also before what it sent is read
    assert_false(poller_has_hung_up(pair[1]));
    close(pair[0]);
    assert_true(poller_has_hung_up(pair[1]));
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_readiness_follows_interest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hang_up_is_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exclusive_wakes_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_is_readable, setup, teardown),
        cmocka_unit_test(test_has_hung_up),
    };
    return cmocka_run_group_tests_name("poller", tests, NULL, NULL);
}
