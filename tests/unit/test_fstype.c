#include "support/tempdir.h"

#include "sys/fstype.h"

static bool is_local(const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    bool local = fstype_is_local(fd);
    close(fd);
    return local;
}

TEST(test_types)
{
    struct tempdir dir;
    tempdir_make(&dir);
    assert_true(is_local(dir.path));
    assert_true(is_local("/proc"));
    assert_false(fstype_is_local(-1));
    int pipes[2];
    assert_int_equal(pipe(pipes), 0); // of a type that no site can have
    assert_false(fstype_is_local(pipes[0]));
    close(pipes[0]);
    close(pipes[1]);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests_name("fstype", tests, NULL, NULL);
}
