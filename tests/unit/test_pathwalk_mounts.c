// Links on a mount that forbids them, and links of others in a directory that all may write to.
#include "support/bothways.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/pathwalk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static struct tempdir dir;
static struct rootfs root;

static int setup(void **state)
{
    (void)state;
    tempdir_enter(&dir);
    if (mkdir("root", 0755) < 0 || mkdir("root/dir", 0755) < 0 ||
        mknod("root/file", S_IFREG | 0644, 0) < 0 || mknod("root/dir/file", S_IFREG | 0644, 0) < 0)
        return -1;
    return rootfs_init(&root, "root");
}

static int teardown(void **state)
{
    (void)state;
    rootfs_cleanup(&root);
    tempdir_leave(&dir);
    return 0;
}

static bool agree(const char *path)
{
    return ways_agree(root.fd, path);
}

TEST(test_links_are_not_followed_on_a_mount_that_says_so)
{
    if (!has_openat2(&root) || geteuid() != 0)
        skip();
    pid_t pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mkdir("root/mnt", 0755) < 0 ||
            mount("none", "root/mnt", "tmpfs", MS_NOSYMFOLLOW, NULL) < 0)
            _exit(77);
        bool made = symlink("../file", "root/mnt/link") == 0 && mkdir("root/mnt/d", 0755) == 0 &&
                    symlink("d", "root/mnt/dirlink") == 0;
        // The descriptor of the root is still in the namespace of before.
        bool again = rootfs_init(&root, "root") == 0;
        bool same = again && agree("mnt/link") && agree("mnt/dirlink/x") && agree("mnt/../file") &&
                    agree("mnt/d/../../file");
        _exit(made && same && pathwalk_open(root.fd, "mnt/link", true, NULL) == -ELOOP ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    rmdir("root/mnt");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

// Also where fs.protected_symlinks is 0 (then the kernel follows, and there is no comparison).
TEST(test_links_of_others_in_a_sticky_directory)
{
    char protected = '0';
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir("root/tmp", 0755), 0);
    assert_int_equal(chmod("root/tmp", 01777), 0);
    assert_int_equal(symlink("../file", "root/tmp/foreign"), 0);
    assert_int_equal(lchown("root/tmp/foreign", 1234, 1234), 0);
    assert_int_equal(symlink("../dir", "root/tmp/foreigndir"), 0);
    assert_int_equal(lchown("root/tmp/foreigndir", 1234, 1234), 0);
    assert_int_equal(symlink("../file", "root/tmp/own"), 0);
    assert_int_equal(pathwalk_open(root.fd, "tmp/foreign", true, NULL), -EACCES);
    int fd = pathwalk_open(root.fd, "tmp/foreigndir/file", true,
                           NULL); // only the last one is restricted
    assert_true(fd >= 0);
    close(fd);
    fd = open("/proc/sys/fs/protected_symlinks", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && read(fd, &protected, 1) == 1 && protected == '1' && has_openat2(&root)) {
        assert_true(agree("tmp/foreign"));
        assert_true(agree("tmp/foreigndir"));
        assert_true(agree("tmp/foreigndir/file"));
    }
    close(fd);
    assert_true(!has_openat2(&root) || agree("tmp/own"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_links_are_not_followed_on_a_mount_that_says_so),
        cmocka_unit_test(test_links_of_others_in_a_sticky_directory),
    };
    return cmocka_run_group_tests_name("pathwalk_mounts", tests, setup, teardown);
}
