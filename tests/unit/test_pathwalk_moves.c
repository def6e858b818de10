// Paths are opened while somebody moves things about in the tree: never is anything outside opened.
#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/pathwalk.h"
#include "sys/rootfs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tempdir dir;
static struct rootfs root;

static int setup(void **state)
{
    (void)state;
    tempdir_enter(&dir);
    if (mkdir("outside", 0755) < 0 || mkdir("root", 0755) < 0 ||
        mknod("root/file", S_IFREG | 0644, 0) < 0)
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

// The C library need not know the call.
static int exchange(const char *a, const char *b)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static pid_t start_mover(const char *a, const char *b)
{
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        while (getppid() == parent)
            exchange(a, b);
        _exit(0);
    }
    return pid;
}

static void stop_mover(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define OPENINGS     10000
#define OPENINGS_MAX 10000000 // on a busy machine the mover may be kept from moving for long

// Opens `path` many times each way: always `inside`, or an error, and `inside` at least once.
static void check_never_outside(const char *path, const struct stat *inside)
{
    for (int way = root.way; way <= ROOTFS_WALK; way++) {
        struct rootfs r = root;
        int opened = 0;
        r.way = (enum rootfs_way)way;
        for (int i = 0; i < OPENINGS || (opened == 0 && i < OPENINGS_MAX); i++) {
            struct stat st;
            int fd = rootfs_open(&r, path);
            if (fd < 0)
                continue;
            assert_int_equal(fstat(fd, &st), 0);
            if (st.st_dev != inside->st_dev || st.st_ino != inside->st_ino)
                fail_msg("way %d: %s was opened outside", way, path);
            close(fd);
            opened++;
        }
        assert_true(opened > 0);
    }
}

// A directory becomes a link that leads out, and back.
TEST(test_swap_for_a_link)
{
    static const char *const targets[] = {"/", "../../../../../../..", "../outside"};
    struct stat inside;
    assert_int_equal(mkdir("root/swap", 0755), 0);
    assert_int_equal(mkdir("root/swap/etc", 0755), 0);
    close(open("root/swap/etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_int_equal(mkdir("outside/etc", 0755), 0);
    close(open("outside/etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_int_equal(stat("root/swap/etc/passwd", &inside), 0);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        assert_int_equal(symlink(targets[i], "root/swaplink"), 0);
        pid_t pid = start_mover("root/swap", "root/swaplink");
        check_never_outside("swap/etc/passwd", &inside);
        stop_mover(pid);
        // The mover may have been stopped in either state.
        struct stat st;
        assert_int_equal(lstat("root/swap", &st), 0);
        if (S_ISLNK(st.st_mode))
            assert_int_equal(exchange("root/swap", "root/swaplink"), 0);
        assert_int_equal(unlink("root/swaplink"), 0);
    }
}

// A directory is moved out of the root between going into it and ".." out of it.
TEST(test_move_out_of_the_root)
{
    struct stat inside;
    assert_int_equal(mkdir("root/deep", 0755), 0);
    assert_int_equal(mkdir("root/deep/er", 0755), 0);
    assert_int_equal(mkdir("root/deep/er/still", 0755), 0);
    assert_int_equal(mkdir("outside/er", 0755), 0);
    assert_int_equal(mkdir("outside/er/still", 0755), 0);
    close(open("root/deep/secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_int_equal(stat("root/deep/secret", &inside), 0);
    pid_t pid = start_mover("root/deep/er", "outside/er");
    check_never_outside("deep/er/still/../../secret", &inside);
    stop_mover(pid);
}

// A link with an absolute target leads to where something is swapped meanwhile, or is swapped
// itself.
TEST(test_absolute_links)
{
    struct stat inside;
    char text[PATH_MAX] = "";
    assert_int_equal(mkdir("root/turn", 0755), 0);
    assert_int_equal(mkdir("outside/turn", 0755), 0);
    close(open("root/turn/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    close(open("outside/turn/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_int_equal(stat("root/turn/file", &inside), 0);
    snprintf(text, sizeof(text), "%s/root/turn", dir.path);
    assert_int_equal(symlink(text, "root/hop"), 0);
    snprintf(text, sizeof(text), "%s/outside/turn", dir.path);
    assert_int_equal(symlink(text, "root/bad"), 0);
    assert_int_equal(symlink("../outside/turn", "root/worse"), 0);
    pid_t link = start_mover("root/hop", "root/bad");
    check_never_outside("hop/file", &inside);
    check_never_outside("bad/file", &inside);
    stop_mover(link);
    // Either of the two is the one that leads in, whichever way the mover was stopped.
    const char *name = readlink("root/hop", text, sizeof(text)) > 0 && strstr(text, "/root/turn")
                           ? "hop/file"
                           : "bad/file";
    pid_t directory = start_mover("root/turn", "root/worse");
    check_never_outside(name, &inside);
    stop_mover(directory);
}

// A file that becomes a link within the root, and back, is there all the time.
TEST(test_swap_of_the_last_component)
{
    close(open("root/blink", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    assert_int_equal(symlink("file", "root/blinklink"), 0);
    pid_t pid = start_mover("root/blink", "root/blinklink");
    for (int i = 0; i < 10000; i++) {
        int fd = pathwalk_open(root.fd, "blink", true, NULL);
        if (fd < 0)
            fail_msg("blink: %s", strerror(-fd));
        close(fd);
    }
    stop_mover(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_swap_for_a_link),
        cmocka_unit_test(test_move_out_of_the_root),
        cmocka_unit_test(test_absolute_links),
        cmocka_unit_test(test_swap_of_the_last_component),
    };
    return cmocka_run_group_tests_name("pathwalk moves", tests, setup, teardown);
}
