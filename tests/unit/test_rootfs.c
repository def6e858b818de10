#include "support/tempdir.h"
#include "support/unit.h"

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

static struct tempdir dir;

static int setup(void **state)
{
    (void)state;
    tempdir_enter(&dir);
    return mkdir("root", 0755);
}

static int teardown(void **state)
{
    (void)state;
    tempdir_leave(&dir);
    return 0;
}

static void put_file(const char *path, const char *content)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

TEST(test_init)
{
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

TEST(test_open_both_ways)
{
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
        struct rootfs same = r;
        same.way = (enum rootfs_way)way;
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

// A link abs/NAME to an absolute path.
static void put_link(const char *name, const char *base, const char *tail)
{
    char *link = NULL, *target = NULL;
    assert_true(asprintf(&link, "abs/%s", name) > 0);
    assert_true(asprintf(&target, "%s/%s", base, tail) > 0);
    assert_int_equal(symlink(target, link), 0);
    free(link);
    free(target);
}

// Absolute targets are followed when they begin with a name of the root, 8 at most on one way.
TEST(test_absolute_links)
{
    static const struct {
        const char *path;
        int result;
    } cases[] = {
        {"real", 0},          {"given", 0},         {"top", 0},          {"top/in/file", 0},
        {"slashes", 0},       {"dots", 0},          {"hop8", 0},         {"hop9", -ELOOP},
        {"beside", -EXDEV},   {"up", -EXDEV},       {"prefix", -EXDEV},  {"outward", -EXDEV},
        {"nothing", -ENOENT}, {"real/x", -ENOTDIR}, {"back/in/file", 0}, {"self", -ELOOP},
    };
    char *here = getcwd(NULL, 0), *given = NULL;
    struct rootfs r;
    assert_non_null(here);
    assert_int_equal(mkdir("abs", 0755), 0);
    assert_int_equal(mkdir("abs/in", 0755), 0);
    assert_int_equal(mkdir("absent", 0755), 0);
    put_file("abs/in/file", "inside");
    put_file("absent/file", "outside");
    assert_int_equal(symlink("abs", "abslink"), 0);
    put_link("real", here, "abs/in/file");
    put_link("given", here, "abslink/in/file");
    put_link("top", here, "abs");
    put_link("slashes", here, "abs//in//file");
    put_link("dots", here, "abs/in/../in/./file");
    put_link("beside", here, "absent/file");
    put_link("prefix", here, "ab");
    put_link("up", here, "abs/../absent/file");
    put_link("outward", here, "abs/beside");
    put_link("nothing", here, "abs/none");
    put_link("in/back", here, "abs/");
    put_link("back", here, "abs/in/back");
    put_link("self", here, "abs/self");
    put_link("hop1", here, "abs/in/file");
    for (char name[] = "hop2", target[] = "abs/hop1"; name[3] <= '9'; name[3]++, target[7]++)
        put_link(name, here, target);
    assert_true(asprintf(&given, "%s/abslink/", here) > 0);
    assert_int_equal(rootfs_init(&r, given), 0);
    for (int way = r.way; way <= ROOTFS_WALK; way++) {
        struct rootfs same = r;
        same.way = (enum rootfs_way)way;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            struct file_identity found;
            int fd = rootfs_open(&same, cases[i].path);
            int looked = rootfs_look(&same, cases[i].path, &found);
            if ((fd < 0 ? fd : 0) != cases[i].result || looked != cases[i].result)
                fail_msg("way %d, \"%s\": %d, %d", way, cases[i].path, fd, looked);
            if (fd >= 0)
                close(fd);
        }
        same.links = SYMLINKS_NONE;
        assert_int_equal(rootfs_open(&same, "real"), -ELOOP);
    }
    rootfs_cleanup(&r);
    free(here);
    free(given);
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

TEST(test_walks_where_openat2_is_refused)
{
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

TEST(test_links)
{
    static const struct {
        const char *path;
        int errors[4]; // by enum symlinks; 0: opens
    } cases[] = {
        {"real/file", {0, 0, 0, 0}},
        {"real/inside", {0, 0, -ELOOP, 0}},
        {"way/file", {0, 0, -ELOOP, 0}},
        {"real/outside", {-EXDEV, -EXDEV, -ELOOP, 0}},
        {"/etc/passwd", {-EXDEV, -EXDEV, -EXDEV, -EXDEV}},
        {"real/magic", {-EXDEV, -EXDEV, -ELOOP, -ELOOP}},
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
            r.links = (enum symlinks)links;
            int fd = rootfs_open(&r, cases[i].path);
            int looked = rootfs_look(&r, cases[i].path, &id);
            if ((fd < 0 ? fd : 0) != cases[i].errors[links] || looked != cases[i].errors[links])
                fail_msg("%s, links %zu: %d, %d", cases[i].path, links, fd, looked);
            if (fd >= 0)
                close(fd);
        }
    rootfs_cleanup(&r);
}

TEST(test_facts)
{
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

// Two links, and all of the way has just been gone.
TEST(test_stat_cached)
{
    struct file_identity cached, looked;
    char path[128];
    snprintf(path, sizeof(path), "%s/cached", dir.path);
    assert_int_equal(symlink("root", "cached"), 0);
    assert_int_equal(rootfs_stat_path(path, &looked), 0);
    int r = rootfs_stat_cached(path, &cached);
    if (r == -EAGAIN) { // an old kernel, or a filter
        print_message("skipped: the kernel does not tell\n");
        return;
    }
    assert_int_equal(r, 0);
    assert_true(rootfs_same(&cached, &looked));
    assert_int_equal(unlink("cached"), 0);
    assert_int_equal(symlink("/", "cached"), 0); // of which it hears
    r = rootfs_stat_cached(path, &cached);
    assert_true(r == -EAGAIN || (r == 0 && cached.inode != looked.inode));
    assert_int_equal(unlink("cached"), 0);
    assert_int_equal(rootfs_stat_cached(path, &cached), -ENOENT);
}

TEST(test_adopt)
{
    struct rootfs opened, adopted;
    char path[128];
    snprintf(path, sizeof(path), "%s/root", dir.path);
    assert_int_equal(rootfs_init(&opened, path), 0);
    int fd = fcntl(opened.fd, F_DUPFD_CLOEXEC, 3);
    rootfs_adopt(&adopted, path, fd, opened.way, opened.real);
    assert_int_equal(adopted.fd, fd);
    assert_int_equal(adopted.way, opened.way);
    assert_int_equal(adopted.links, opened.links);
    assert_string_equal(adopted.as_configured, opened.as_configured);
    assert_string_equal(adopted.real, opened.real);
    rootfs_cleanup(&adopted);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    rootfs_cleanup(&opened);
}

TEST(test_lstat_at)
{
    struct rootfs r;
    struct file_identity id;
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

TEST(test_same_looks_at_every_field)
{
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

TEST(test_young)
{
    static const struct {
        int64_t mtime_s, ctime_s;
        uint32_t mtime_ns, ctime_ns;
        bool young;
    } cases[] = {
        {90, 90, 999999999, 999999999, false},
        {98, 98, 0, 0, false},
        {98, 90, 1, 0, false},
        {90, 98, 0, 1, true},
        {99, 90, 0, 0, false},
        {90, 99, 0, 0, true},
        {100, 100, 0, 0, true},
        {5000, 90, 0, 0, false}, // a time to come that was set
        {90, 5000, 0, 0, true},
        {0, 0, 0, 0, false},
        {-5, -5, 0, 0, false},
        {0, INT64_MAX, 0, 0, true},
        {0, INT64_MIN, 0, 0, false},
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
        cmocka_unit_test(test_absolute_links),
        cmocka_unit_test(test_walks_where_openat2_is_refused),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_stat_cached),
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_lstat_at),
        cmocka_unit_test(test_same_looks_at_every_field),
        cmocka_unit_test(test_young),
    };
    return cmocka_run_group_tests_name("rootfs", tests, setup, teardown);
}
