#include "support/unit.h"

#include "sys/fdtable.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static int ends[2], other = -1;
static bool has_left, has_closed, has_opened;

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

// A thread with a table of its own closes and opens for itself alone.
static void *leave_table(void *context)
{
    int *keep = context;
    has_left = fdtable_leave() == 0;
    if (!has_left)
        return NULL;
    fdtable_close_others(0, keep, 2);
    has_closed = is_open(ends[0]) && is_open(ends[1]) && !is_open(other) && !is_open(2);
    has_opened = open("/", O_PATH | O_CLOEXEC) >= 0;
    return NULL;
}

TEST(test_a_table_of_its_own)
{
    pthread_t thread;
    assert_int_equal(pipe(ends), 0);
    other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int keep[] = {ends[1], ends[0]};
    assert_int_equal(pthread_create(&thread, NULL, leave_table, keep), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(has_left && has_closed && has_opened);
    assert_true(is_open(other) && is_open(2) && is_open(ends[0]));
    close(ends[0]);
    close(ends[1]);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_table_of_its_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
