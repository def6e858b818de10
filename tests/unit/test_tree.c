#include "support/tempdir.h"
#include "support/unit.h"

#include "precompress/tree.h"

#include <errno.h>

// The reports of a walk, a line each.
static char told[65536];

static void note_file(void *context, int dir, const char *path, const char *name)
{
    struct stat st;
    (void)context;
    assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_string_equal(path + strlen(path) - strlen(name), name);
    assert_true(name == path || name[-1] == '/');
    strcat(strcat(told, path), "\n");
}

static void note_failure(void *context, const char *path, int error)
{
    (void)context;
    sprintf(told + strlen(told), "%s: %s\n", path, strerror(-error));
}

static void walk(const struct tempdir *d)
{
    const struct tree_visitor visitor = {note_file, note_failure, NULL};
    size_t fds = count_fds();
    int root = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    told[0] = '\0';
    tree_walk(root, &visitor);
    close(root);
    assert_int_equal(count_fds(), fds);
}

static void link_to(const struct tempdir *d, const char *target, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(symlink(target, tempdir_path(d, name, path)), 0);
}

TEST(test_what_is_visited)
{
    struct tempdir d;
    char path[PATH_MAX];
    tempdir_make(&d);
    tempdir_mkdir(&d, "b");
    tempdir_mkdir(&d, "b/empty");
    tempdir_mkdir(&d, "b/.well-known");
    tempdir_mkdir(&d, ".git");
    tempdir_mkdir(&d, ".well-known");
    tempdir_puts(&d, "z.txt", "");
    tempdir_puts(&d, "a\n.txt", "");
    tempdir_puts(&d, ".hidden", "");
    tempdir_puts(&d, ".git/config", "");
    tempdir_puts(&d, ".well-known/x", "");
    tempdir_puts(&d, ".well-known/.y", "");
    tempdir_puts(&d, "b/.well-known/x", "");
    tempdir_puts(&d, "b/\xff", "");
    assert_int_equal(mkfifo(tempdir_path(&d, "fifo", path), 0600), 0);
    link_to(&d, "z.txt", "link.txt");
    link_to(&d, "b", "link");
    link_to(&d, "/", "b/out");
    walk(&d);
    assert_string_equal(told, "a\n.txt\nz.txt\n.well-known/x\nb/\xff\n");
    tempdir_remove(&d);
}

// As deep as a path can be named, and deeper.
TEST(test_depth)
{
    struct tempdir d;
    char name[201];
    tempdir_make(&d);
    memset(name, 'd', 200);
    name[200] = '\0';
    int dir = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < 22; i++) {
        int file = openat(dir, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(file >= 0);
        close(file);
        assert_int_equal(mkdirat(dir, name, 0700), 0);
        int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(dir);
        dir = next;
    }
    close(dir);
    walk(&d);
    size_t lines = 0;
    for (const char *p = told; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 21); // the one in 20 directories has 4022 bytes
    tempdir_remove(&d);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", d.path);
    assert_int_equal(system(command), 0);
}

TEST(test_unreadable)
{
    struct tempdir d;
    char path[PATH_MAX];
    if (geteuid() == 0)
        skip(); // who may read all
    tempdir_make(&d);
    tempdir_mkdir(&d, "secret");
    tempdir_puts(&d, "x", "");
    assert_int_equal(chmod(tempdir_path(&d, "secret", path), 0), 0);
    walk(&d);
    assert_string_equal(told, "x\nsecret/: Permission denied\n");
    chmod(path, 0700);
    tempdir_remove(&d);
}

TEST(test_open_parent)
{
    static const struct {
        const char *path;
        int error;
        const char *name;
    } cases[] = {
        {"x", 0, "x"},           {"a/b/x", 0, "x"},       {"a/b/", 0, ""},
        {"link/x", -ENOTDIR, 0}, {"a/up/x", -ENOTDIR, 0}, {"none/x", -ENOENT, 0},
        {"f/x", -ENOTDIR, 0},
    };
    struct tempdir d;
    tempdir_make(&d);
    tempdir_mkdir(&d, "a");
    tempdir_mkdir(&d, "a/b");
    tempdir_puts(&d, "f", "");
    link_to(&d, "a", "link");
    link_to(&d, "..", "a/up");
    int root = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *name = NULL;
        int got = tree_open_parent(root, cases[i].path, &name);
        if (cases[i].error < 0) {
            assert_int_equal(got, cases[i].error);
            continue;
        }
        assert_true(got >= 0);
        assert_string_equal(name, cases[i].name);
        close(got);
    }
    char long_path[NAME_MAX + 4];
    const char *name;
    memset(long_path, 'a', sizeof(long_path));
    strcpy(long_path + NAME_MAX + 1, "/x");
    assert_int_equal(tree_open_parent(root, long_path, &name), -ENAMETOOLONG);
    close(root);
    tempdir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_visited),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_open_parent),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
