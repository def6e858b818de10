#include "support/process.h"

#include "server/served.h"

#include <fcntl.h>
#include <stdlib.h>

TEST(test_nothing_is_open)
{
    struct conf conf = {.threads = 3};
    struct served s = served_make(&conf);
    assert_ptr_equal(s.conf, &conf);
    assert_int_equal(s.listener_count + s.sites.count + s.scoreboard.count, 0);
    assert_int_equal(s.access_log, -1);
    s.conf = NULL; // not of the heap
    served_cleanup(&s);
}

TEST(test_cleanup)
{
    size_t before = count_fds();
    struct served s = served_make(NULL);
    s.listeners = calloc(1, sizeof(*s.listeners));
    s.addresses = calloc(1, sizeof(*s.addresses));
    s.listeners[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s.listener_count = 1;
    s.access_log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(scoreboard_init(&s.scoreboard, 1, 1), 0);
    int listener = s.listeners[0];
    served_cleanup(&s);
    assert_int_equal(close(listener), 0); // it was left open
    assert_int_equal(count_fds(), before);
    assert_int_equal(s.listener_count, 0);
    served_cleanup(&s); // harmless
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_open),
        cmocka_unit_test(test_cleanup),
    };
    return cmocka_run_group_tests_name("served", tests, NULL, NULL);
}
