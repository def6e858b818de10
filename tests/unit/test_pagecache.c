#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/pagecache.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SIZE (1u << 20)

static int open_file(void **state)
{
    static struct tempdir dir;
    static int fd;
    char path[PATH_MAX];
    tempdir_make(&dir);
    tempdir_fill(&dir, "file", SIZE);
    fd = open(tempdir_path(&dir, "file", path), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fsync(fd), 0);
    tempdir_remove(&dir); // the file stays as long as it is open
    *state = &fd;
    return 0;
}

static int close_file(void **state)
{
    return close(*(int *)*state);
}

TEST(test_has)
{
    int fd = *(int *)*state;
    assert_true(pagecache_has(fd, 0, SIZE)); // it was written just now
    assert_true(pagecache_has(fd, SIZE - 1, 1));
    assert_true(pagecache_has(fd, SIZE - 1, 2)); // who reads finds out that nothing is there
    assert_true(pagecache_has(fd, 2 * SIZE, 10));
    assert_true(pagecache_has(-1, 0, 1));
}

TEST(test_read)
{
    int fd = *(int *)*state;
    char bytes[100];
    assert_int_equal(pagecache_read(fd, 500, bytes, sizeof(bytes)), sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], pattern_at(500 + i));
    assert_int_equal(pagecache_read(fd, SIZE - 1, bytes, 2), 1);
    assert_int_equal(pagecache_read(fd, SIZE, bytes, 2), 0);
    assert_int_equal(pagecache_read(-1, 0, bytes, 2), -EBADF);
}

TEST(test_load)
{
    int fd = *(int *)*state;
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    if (pagecache_has(fd, SIZE / 2, 4096))
        skip(); // this file system lives in memory
    // (Elsewhere: where it was asked before, the kernel may have read by now.)
    assert_int_equal(pagecache_read(fd, 0, &(char){0}, 1), -EAGAIN);
    pagecache_load(fd, SIZE / 2, SIZE / 4);
    assert_true(pagecache_has(fd, SIZE / 2, SIZE / 4));
    pagecache_load(fd, SIZE - 10, 20); // no more than there is
    pagecache_load(fd, 2 * SIZE, 1);
    pagecache_load(-1, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_has, open_file, close_file),
        cmocka_unit_test_setup_teardown(test_read, open_file, close_file),
        cmocka_unit_test_setup_teardown(test_load, open_file, close_file),
    };
    return cmocka_run_group_tests_name("pagecache", tests, NULL, NULL);
}
