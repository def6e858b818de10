#include "support/unit.h"

#include "daemon/leftovers.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

static struct watches watches;
static struct leftovers leftovers;
static bool has_ended;

static int setup(void **state)
{
    (void)state;
    leftovers_init(&leftovers);
    has_ended = false;
    return watch_init(&watches);
}

static int teardown(void **state)
{
    (void)state;
    leftovers_cleanup(&leftovers);
    watch_cleanup(&watches);
    return 0;
}

static int wait_for_signal(void *context, int channel)
{
    (void)context;
    (void)channel;
    return pause();
}

static void note_end(void *context, int status)
{
    (void)context;
    (void)status;
    has_ended = true;
}

// One that does not end, as far as the master knows: it was not killed yet.
TEST(test_is_reaped_in_the_end)
{
    struct child child;
    assert_int_equal(child_spawn(&child, wait_for_signal, NULL, NULL, 0), 0);
    assert_int_equal(child_watch(&child, &watches, note_end, NULL), 0);
    pid_t pid = child.pid;
    assert_int_equal(leftovers_take(&leftovers, &watches, &child), 0);
    assert_int_equal(leftovers.count, 1);
    kill(pid, SIGKILL);
    while (leftovers.count)
        watch_wait(&watches);
    assert_false(has_ended); // whoever has given it up does not hear of it
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

TEST(test_is_forgotten)
{
    struct child child;
    assert_int_equal(child_spawn(&child, wait_for_signal, NULL, NULL, 0), 0);
    assert_int_equal(child_watch(&child, &watches, note_end, NULL), 0);
    pid_t pid = child.pid;
    assert_int_equal(leftovers_take(&leftovers, &watches, &child), 0);
    leftovers_cleanup(&leftovers);
    assert_int_equal(leftovers.count, 0);
    kill(pid, SIGKILL);
}

TEST(test_ports)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    leftovers_note_port(&leftovers, fd);
    assert_int_equal(bind(other, (struct sockaddr *)&at, len), -1);
    leftovers_cleanup(&leftovers); // `fd` is still open, as in a process that is left
    assert_int_equal(bind(other, (struct sockaddr *)&at, len), 0);
    close(other);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_is_reaped_in_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(test_is_forgotten, setup, teardown),
    };
    return cmocka_run_group_tests_name("leftovers", tests, NULL, NULL);
}
