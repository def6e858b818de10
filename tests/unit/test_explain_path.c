#include "support/explainfixture.h"

#include "explain/explain_path.h"
#include "sys/sandbox.h"

#include <sys/prctl.h>

TEST(test_causes)
{
    static const struct explain_case cases[] = {
        {"/none", "", "cause      ROOT/none: No such file or directory (ENOENT)\n"},
        {"/none", "", "           no such name in ROOT (drwxr-xr-x "},
        {"/b/none/x", "", "cause      ROOT/b/none: No such file or directory (ENOENT)\n"},
        {"/page.html/x", "", "cause      ROOT/page.html/x: Not a directory (ENOTDIR)\n"},
        {"/page.html/", "", "ENOTDIR"},
        {"/out", "", "cause      ROOT/out: "},
        {"/out", "", "ross-device link (EXDEV)\n"}, // each C library has words of its own
        {"/out", "",
         ") to /etc/passwd,\n           which leads out of the root: symlinks = \"beneath\"\n"},
        {"/dangling", "", ") to nowhere,\n           which does not exist\n"},
        {"/t/link", "",
         ") to index.html,\n           and links are not followed: symlinks = \"none\"\n"},
        {"/fifo", "", " is not a regular file\n"},
        {"/bare/", "", "cause      ROOT/bare/ (drwxr-xr-x "},
        {"/bare/", "", ") has no index file (index.html)\n           and is not listed: "},
    };
    explain_check(cases, ARRAY_SIZE(cases));
}

TEST(test_long)
{
    char path[PATH_MAX + 100];
    memset(path, 'x', sizeof(path));
    const struct explain_path p = {
        .site = &explain_served.sites.items[0],
        .tree = &explain_served.sites.items[0].trees[explain_served.sites.items[0].tree_count - 1],
        .path = slice_make(path, sizeof(path)),
    };
    struct buf b = buf_make(explained, EXPLAIN_MAX);
    explain_path_put(&b, &p);
    explained[b.len] = '\0';
    assert_says(explained, "cause      the path is longer than the system allows (4096 bytes)\n");
}

// In a process that is not root, for which modes count.
static int look_as_nobody(const char *path, const char *want)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
            _exit(2);
        _exit(strstr(explain_get(path, ""), want) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

TEST(test_modes)
{
    char path[PATH_MAX];
    tempdir_mkdir(&explain_dir, "closed");
    tempdir_puts(&explain_dir, "closed/x", "x");
    tempdir_puts(&explain_dir, "secret", "x");
    tempdir_mkdir(&explain_dir, "index");
    tempdir_puts(&explain_dir, "index/index.html", "x");
    assert_int_equal(chmod(tempdir_path(&explain_dir, "closed", path), 0600), 0);
    assert_int_equal(chmod(tempdir_path(&explain_dir, "secret", path), 0200), 0);
    assert_int_equal(chmod(tempdir_path(&explain_dir, "index/index.html", path), 0200), 0);
    assert_int_equal(look_as_nobody("/closed/x", "there is no permission to search "), 0);
    assert_int_equal(look_as_nobody("/secret", "cannot be read by the worker's user, "), 0);
    assert_int_equal(look_as_nobody("/index/", "index/index.html (--w------- "), 0);
    assert_int_equal(chmod(tempdir_path(&explain_dir, "closed", path), 0700), 0);
}

// In a process that Landlock keeps to another directory: it may look at everything, and open
// nothing.
static int look_in_sandbox(const char *path, const char *want)
{
    const struct sandbox_plan plan = {.seccomp = SANDBOX_OFF};
    struct sandbox sandbox;
    const char *what;
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (sandbox_init(&sandbox, &plan) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
            sandbox_enter(&sandbox, NULL, &what) < 0)
            _exit(2);
        _exit(strstr(explain_get(path, ""), want) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

TEST(test_sandbox)
{
    if (sandbox_landlock_abi() < 0)
        skip();
    assert_int_equal(look_in_sandbox("/page.html", "so a security module does not: Landlock"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_sandbox),
    };
    return cmocka_run_group_tests_name("explain_path", tests, explain_setup, explain_teardown);
}
