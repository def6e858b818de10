#include "unit.h"

#include "sys/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static char dir[] = "/tmp/tined-rootfs-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) && chdir(dir) == 0 && mkdir("root", 0755) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return chdir("/") == 0 ? system(command) : -1;
}

static void put_file(const char *path, const char *content)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

static void test_init(void **state)
{
    (void)state;
    struct rootfs r = {.fd = -1};
    put_file("plain", "x");
    assert_int_equal(rootfs_init(&r, "missing"), -ENOENT);
    assert_int_equal(rootfs_init(&r, "plain"), -ENOTDIR);
    assert_int_equal(r.fd, -1);
    rootfs_cleanup(&r);
    assert_int_equal(rootfs_init(&r, "root"), 0);
    assert_true(fcntl(r.fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(r.fd, F_GETFL) & O_PATH);
    int fd = r.fd;
    rootfs_cleanup(&r);
    assert_int_equal(r.fd, -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    rootfs_cleanup(&r);
}

static void test_open_both_ways(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int result; // 0: opens
    } cases[] = {
        {"a", 0},
        {"", 0},
        {".", 0},
        {"link", 0},
        {"fifo", 0},
        {"../plain", -EXDEV},
        {"out", -EXDEV},
        {"absolute", -EXDEV},
        {"missing", -ENOENT},
        {"a/b", -ENOTDIR},
        {"/etc/passwd", -EXDEV},
    };
    struct rootfs r;
    put_file("plain", "outside");
    put_file("root/a", "inside");
    assert_int_equal(symlink("a", "root/link"), 0);
    assert_int_equal(symlink("../plain", "root/out"), 0);
    assert_int_equal(symlink("/etc/passwd", "root/absolute"), 0);
    assert_int_equal(mkfifo("root/fifo", 0600), 0);
    assert_int_equal(rootfs_init(&r, "root"), 0);
    for (int way = ROOTFS_OPENAT2; way <= ROOTFS_WALK; way++) {
        struct rootfs same = {r.fd, (enum rootfs_way)way, ROOTFS_LINKS_BENEATH};
        if (r.way == ROOTFS_WALK && way == ROOTFS_OPENAT2)
            continue; // not here
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            int fd = rootfs_open(&same, cases[i].path);
            if ((fd < 0 ? fd : 0) != cases[i].result)
                fail_msg("way %d, \"%s\": %d", way, cases[i].path, fd);
            if (fd < 0)
                continue;
            int flags = fcntl(fd, F_GETFL);
            assert_int_equal(flags & (O_ACCMODE | O_NONBLOCK | O_PATH), O_RDONLY | O_NONBLOCK);
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
            close(fd);
        }
    }
    rootfs_cleanup(&r);
}

// From now on openat2 fails with `error`, as under a service manager's filter.
static bool refuse_openat2(int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_SIZE(code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void test_walks_where_openat2_is_refused(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum rootfs_way way;
    } cases[] = {
        {ENOSYS, ROOTFS_WALK}, {EPERM, ROOTFS_WALK}, {EAGAIN, ROOTFS_OPENAT2}, // each time anew
    };
    put_file("root/there", "x");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct rootfs r;
            if (!refuse_openat2(cases[i].error))
                _exit(77);
            _exit(rootfs_init(&r, "root") == 0 && r.way == cases[i].way &&
                          rootfs_open(&r, "there") >= 0 && rootfs_open(&r, "..") == -EXDEV
                      ? 0
                      : 1);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            skip();
        assert_int_equal(status, 0);
    }
}

static void test_links(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int errors[3]; // by enum rootfs_links; 0: opens
    } cases[] = {
        {"real/file", {0, 0, 0}},
        {"real/inside", {0, -ELOOP, 0}},
        {"way/file", {0, -ELOOP, 0}},
        {"real/outside", {-EXDEV, -ELOOP, 0}},
        {"/etc/passwd", {-EXDEV, -EXDEV, -EXDEV}},
        {"real/magic", {-EXDEV, -ELOOP, -ELOOP}},
    };
    struct rootfs r;
    struct file_identity id;
    assert_int_equal(mkdir("root/real", 0777), 0);
    put_file("root/real/file", "x");
    assert_int_equal(symlink("file", "root/real/inside"), 0);
    assert_int_equal(symlink("real", "root/way"), 0);
    assert_int_equal(symlink("/etc/passwd", "root/real/outside"), 0);
    assert_int_equal(symlink("/proc/self/fd/0", "root/real/magic"), 0);
    assert_int_equal(rootfs_init(&r, "root"), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (size_t links = 0; links < ARRAY_SIZE(cases[i].errors); links++) {
            r.links = (enum rootfs_links)links;
            int fd = rootfs_open(&r, cases[i].path);
            int looked = rootfs_look(&r, cases[i].path, &id);
            if ((fd < 0 ? fd : 0) != cases[i].errors[links] || looked != cases[i].errors[links])
                fail_msg("%s, links %zu: %d, %d", cases[i].path, links, fd, looked);
            if (fd >= 0)
                close(fd);
        }
    rootfs_cleanup(&r);
}

static void test_facts(void **state)
{
    (void)state;
    struct rootfs r;
    struct file_identity by_path, by_fd, untouched;
    struct stat st;
    put_file("root/facts", "12345");
    assert_int_equal(symlink("facts", "root/to-facts"), 0);
    assert_int_equal(stat("root/facts", &st), 0);
    assert_int_equal(rootfs_init(&r, "root"), 0);
    int fd = rootfs_open(&r, "to-facts");
    assert_true(fd >= 0);
    assert_int_equal(rootfs_stat(&r, "to-facts", &by_path), 0);
    assert_int_equal(rootfs_fstat(fd, &by_fd), 0);
    assert_true(rootfs_same(&by_path, &by_fd));
    assert_int_equal(by_fd.size, 5);
    assert_int_equal(by_fd.dev, st.st_dev);
    assert_int_equal(by_fd.inode, st.st_ino);
    assert_int_equal(by_fd.mtime_s, st.st_mtim.tv_sec);
    assert_int_equal(by_fd.mtime_ns, st.st_mtim.tv_nsec);
    assert_int_equal(by_fd.ctime_s, st.st_ctim.tv_sec);
    assert_int_equal(by_fd.ctime_ns, st.st_ctim.tv_nsec);
    assert_int_equal(by_fd.mode, st.st_mode);

    untouched = by_path;
    assert_int_equal(rootfs_stat(&r, "missing", &by_path), -ENOENT);
    assert_int_equal(rootfs_stat(&r, "/etc/passwd", &by_path), -EXDEV);
    assert_int_equal(rootfs_fstat(-1, &by_path), -EBADF);
    assert_true(rootfs_same(&by_path, &untouched));
    assert_int_equal(rootfs_stat(&r, "", &by_path), 0);
    assert_true(S_ISDIR(by_path.mode));

    put_file("root/replacement", "12345");
    assert_int_equal(rename("root/replacement", "root/facts"), 0);
    assert_int_equal(rootfs_stat(&r, "facts", &by_path), 0);
    assert_false(rootfs_same(&by_path, &by_fd));
    close(fd);
    rootfs_cleanup(&r);
}

static void test_lstat_at(void **state)
{
    struct rootfs r;
    struct file_identity id;
    (void)state;
    put_file("root/ten", "0123456789");
    assert_int_equal(symlink("nowhere", "root/dangling"), 0);
    assert_int_equal(rootfs_init(&r, "root"), 0);
    assert_int_equal(rootfs_lstat_at(r.fd, "ten", &id), 0);
    assert_true(S_ISREG(id.mode) && id.size == 10);
    assert_int_equal(rootfs_lstat_at(r.fd, "dangling", &id), 0);
    assert_true(S_ISLNK(id.mode));
    assert_int_equal(rootfs_lstat_at(r.fd, "missing", &id), -ENOENT);
    rootfs_cleanup(&r);
}

static void test_same_looks_at_every_field(void **state)
{
    (void)state;
    const struct file_identity one = {1, 2, 3, 4, 5, 6, 7, 8};
    struct file_identity others[8];
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        others[i] = one;
    assert_true(rootfs_same(&one, &others[0]));
    others[0].dev++;
    others[1].inode++;
    others[2].size++;
    others[3].mtime_s++;
    others[4].ctime_s++;
    others[5].mtime_ns++;
    others[6].ctime_ns++;
    others[7].mode++;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_false(rootfs_same(&one, &others[i]));
}

static void test_young(void **state)
{
    (void)state;
    static const struct {
        int64_t mtime_s, ctime_s;
        uint32_t mtime_ns, ctime_ns;
        bool young;
    } cases[] = {
        {90, 90, 999999999, 999999999, false},
        {98, 98, 0, 0, false},
        {98, 90, 1, 0, true},
        {90, 98, 0, 1, true},
        {99, 90, 0, 0, true},
        {90, 99, 0, 0, true},
        {100, 100, 0, 0, true},
        {5000, 90, 0, 0, true}, // a time to come
        {90, 5000, 0, 0, true},
        {0, 0, 0, 0, false},
        {-5, -5, 0, 0, false},
        {INT64_MAX, 0, 0, 0, true},
        {INT64_MIN, 0, 0, 0, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct file_identity id = {.mtime_s = cases[i].mtime_s,
                                   .ctime_s = cases[i].ctime_s,
                                   .mtime_ns = cases[i].mtime_ns,
                                   .ctime_ns = cases[i].ctime_ns};
        if (rootfs_is_young(&id, 100) != cases[i].young)
            fail_msg("case %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_open_both_ways),
        cmocka_unit_test(test_walks_where_openat2_is_refused),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_lstat_at),
        cmocka_unit_test(test_same_looks_at_every_field),
        cmocka_unit_test(test_young),
    };
    return cmocka_run_group_tests_name("rootfs", tests, setup, teardown);
}
