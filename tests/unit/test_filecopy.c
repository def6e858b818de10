#include "support/tempdir.h"

#include "sys/filecopy.h"

#include <errno.h>

#define SIZE 200000u

TEST(test_copies)
{
    struct tempdir dir;
    char path[PATH_MAX];
    static char data[SIZE + 1];
    size_t fds = count_fds();
    tempdir_make(&dir);
    tempdir_fill(&dir, "file", SIZE);
    int fd = filecopy_open(tempdir_path(&dir, "file", path), SIZE);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    size_t len = 0;
    for (ssize_t n; (n = read(fd, data + len, sizeof(data) - len)) > 0;)
        len += (size_t)n;
    assert_int_equal(len, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_true(data[i] == pattern_at(i));
    close(fd);
    tempdir_puts(&dir, "empty", "");
    fd = filecopy_open(tempdir_path(&dir, "empty", path), 0);
    assert_int_equal(read(fd, data, 1), 0);
    close(fd);
    assert_int_equal(count_fds(), fds);
    tempdir_remove(&dir);
}

TEST(test_refuses)
{
    struct tempdir dir;
    char path[PATH_MAX];
    size_t fds = count_fds();
    tempdir_make(&dir);
    tempdir_puts(&dir, "file", "12345");
    assert_int_equal(filecopy_open(tempdir_path(&dir, "file", path), 4), -EFBIG);
    assert_int_equal(filecopy_open(tempdir_path(&dir, "none", path), 4), -ENOENT);
    assert_int_equal(filecopy_open(dir.path, 4), -EINVAL);
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0600), 0);
    assert_int_equal(filecopy_open(path, 4), -EINVAL);
    assert_int_equal(count_fds(), fds);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests_name("filecopy", tests, NULL, NULL);
}
