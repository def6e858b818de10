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

TEST(test_mounts)
{
    static const char mounts[] =
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "23 22 0:5 / /srv/a\\040b rw - fuse.sshfs far: rw\n"
        "24 22 0:6 / /srv/nfs rw,nosuid shared:7 master:2 - nfs4 far:/x rw\n"
        "25 24 8:2 / /srv/nfs/disk rw - xfs /dev/sdb rw\n"
        "nonsense\n";
    static const struct {
        const char *path;
        bool want;
    } cases[] = {
        {"/srv/a b", true},  {"/srv/a b/sites", true},     {"/srv", true},       {"/", true},
        {"/srv/nfs", true},  {"/srv/nfs/disk/site", true}, {"/srv/nfs2", false}, {"/srv/a", false},
        {"/var/www", false}, {"/srv/nfs-of-us/x", false},
    };
    struct tempdir dir;
    struct fstype_mounts m;
    char path[PATH_MAX];
    tempdir_make(&dir);
    tempdir_puts(&dir, "mountinfo", mounts);
    fstype_read_mounts(tempdir_path(&dir, "mountinfo", path), &m);
    assert_int_equal(m.count, 2);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(fstype_meets_mount(&m, cases[i].path), cases[i].want);
    fstype_free_mounts(&m);
    fstype_read_mounts("/nonexistent", &m);
    assert_false(fstype_meets_mount(&m, "/srv"));
    fstype_free_mounts(&m);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_mounts),
    };
    return cmocka_run_group_tests_name("fstype", tests, NULL, NULL);
}
