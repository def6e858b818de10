#include "support/tempdir.h"

#include "content/supply.h"

#include <errno.h>

TEST(test_own)
{
    struct tempdir dir;
    struct stat st;
    struct supply_root root;
    char path[PATH_MAX], text[8];
    size_t fds = count_fds();
    tempdir_make(&dir);
    tempdir_puts(&dir, "file", "text");
    assert_int_equal(supply_own.open_root(NULL, dir.path, &root), 0);
    assert_int_equal(stat(dir.path, &st), 0);
    assert_true(root.dev == st.st_dev && root.inode == st.st_ino);
    assert_true(root.is_local);
    int fd = rootfs_open(&root.root, "file");
    assert_true(fd >= 0);
    close(fd);
    rootfs_cleanup(&root.root);
    fd = supply_own.open_file(NULL, tempdir_path(&dir, "file", path));
    assert_int_equal(read(fd, text, sizeof(text)), 4);
    close(fd);
    tempdir_path(&dir, "none", path);
    assert_int_equal(supply_own.open_file(NULL, path), -ENOENT);
    assert_int_equal(supply_own.open_root(NULL, path, &root), -ENOENT);
    assert_int_equal(mkfifo(path, 0600), 0);
    fd = supply_own.open_file(NULL, path); // nobody writes to it
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(count_fds(), fds);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own),
    };
    return cmocka_run_group_tests_name("supply", tests, NULL, NULL);
}
