#include "support/process.h"

#include "daemon/outcome.h"

static struct service_manager service_manager; // that nobody listens to
static struct outcome outcome;

static int setup(void **state)
{
    (void)state;
    outcome = (struct outcome){.service_manager = &service_manager};
    return 0;
}

static int add_waiter(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(control_waiters_add(&outcome.waiters, pair[1]), 0);
    control_waiters_listen(&outcome.waiters);
    close(pair[1]);
    return pair[0];
}

static void assert_told(int fd, const char *want)
{
    char got[512] = "";
    ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_int_equal(n, want ? (ssize_t)strlen(want) : -1);
    assert_string_equal(got, want ? want : "");
}

TEST(test_is_told_and_kept)
{
    int fd = add_waiter();
    service_manager.lines.status_at = 1000;
    outcome_report(&outcome, true, "generation %u is ready", 7);
    assert_told(fd, "result 21\ngeneration 7 is ready");
    assert_string_equal(outcome.text, "generation 7 is ready");
    assert_true(outcome.at_s > 1000000000);
    assert_int_equal(service_manager.lines.status_at, 0); // it is told at once
    close(fd);
    fd = add_waiter();
    outcome_report(&outcome, false, "failed");
    assert_told(fd, "error 6\nfailed");
    close(fd);
}

TEST(test_is_told_later)
{
    int fd = add_waiter();
    outcome_set(&outcome, "generation %u is ready", 8);
    assert_string_equal(outcome.text, "generation 8 is ready");
    assert_told(fd, NULL);
    outcome_tell(&outcome, true);
    assert_told(fd, "result 21\ngeneration 8 is ready");
    close(fd);
}

TEST(test_a_long_one_is_cut)
{
    char text[2 * sizeof(outcome.text)];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    outcome_set(&outcome, "%s", text);
    assert_int_equal(strlen(outcome.text), sizeof(outcome.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_is_told_and_kept, setup),
        cmocka_unit_test_setup(test_is_told_later, setup),
        cmocka_unit_test_setup(test_a_long_one_is_cut, setup),
    };
    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
