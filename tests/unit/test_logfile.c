#include "support/tempdir.h"

#include "sys/logfile.h"

#include <errno.h>

static struct tempdir dir;
static const struct privs nobody = {.change_ids = true, .uid = 65534, .gid = 65534};

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    return chmod(dir.path, 0755);
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

static int open_at(const char *name, const struct privs *user)
{
    char path[PATH_MAX];
    int fd = logfile_open(tempdir_path(&dir, name, path), user);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

// Both functions say the same.
static void expect(const char *name, const struct privs *user, int want)
{
    char path[PATH_MAX];
    assert_int_equal(logfile_check(tempdir_path(&dir, name, path), user), want);
    assert_int_equal(open_at(name, user), want);
    assert_int_equal(logfile_check(path, user), want);
}

static struct stat stat_of(const char *name)
{
    struct stat st = {.st_size = -1};
    char path[PATH_MAX];
    lstat(tempdir_path(&dir, name, path), &st);
    return st;
}

static void make_link(const char *target, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(symlink(target, tempdir_path(&dir, name, path)), 0);
}

static void make_directory(const char *name, uid_t owner, mode_t mode)
{
    char path[PATH_MAX];
    tempdir_mkdir(&dir, name);
    assert_int_equal(chown(tempdir_path(&dir, name, path), owner, (gid_t)-1), 0);
    assert_int_equal(chmod(path, mode), 0);
}

TEST(test_files)
{
    char path[PATH_MAX], other[PATH_MAX];
    tempdir_puts(&dir, "old", "one\n");
    int fd = logfile_open(tempdir_path(&dir, "old", path), NULL);
    assert_int_equal(write(fd, "two\n", 4), 4);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
    close(fd);
    assert_int_equal(stat_of("old").st_size, 8);
    assert_int_equal(logfile_check(tempdir_path(&dir, "new", path), NULL), 0);
    assert_int_equal(stat_of("new").st_size, -1);
    expect("new", NULL, 0);
    assert_int_equal(stat_of("new").st_mode, S_IFREG | 0640);

    make_link("old", "link");
    expect("link", NULL, -ELOOP);
    make_link("nothing", "dangling");
    expect("dangling", NULL, -ELOOP);
    assert_int_equal(stat_of("nothing").st_size, -1);
    assert_int_equal(link(tempdir_path(&dir, "old", path), tempdir_path(&dir, "second", other)), 0);
    expect("second", NULL, -EMLINK);
    expect("old", NULL, -EMLINK);
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0600), 0);
    expect("fifo", NULL, -EMEDIUMTYPE);
    fd = open(path, O_RDONLY | O_NONBLOCK);
    expect("fifo", NULL, -EMEDIUMTYPE);
    close(fd);
    tempdir_mkdir(&dir, "directory");
    expect("directory", NULL, -EISDIR);
    expect("directory/", NULL, -EISDIR);
    expect("none/log", NULL, -ENOENT);
    expect("old/log", NULL, -ENOTDIR);
    make_link("directory", "way");
    expect("way/log", NULL, 0);
    assert_int_equal(logfile_check("/dev/null", NULL), 0);
}

TEST(test_somebody_elses)
{
    char path[PATH_MAX];
    if (geteuid() != 0)
        skip();
    tempdir_puts(&dir, "log", "");
    assert_int_equal(chown(tempdir_path(&dir, "log", path), 65534, 65534), 0);
    expect("log", NULL, -EOWNERDEAD);
    expect("log", &nobody, 0);
    assert_int_equal(chown(path, 65533, 65534), 0);
    expect("log", &nobody, -EOWNERDEAD);
}

// Root's own directory is the one place where root opens.
TEST(test_directories)
{
    static const struct {
        const char *name;
        uid_t owner;
        mode_t mode;
        int result;
        uid_t file_owner;
    } cases[] = {
        {"root's", 0, 0755, 0, 0},
        {"user's", 65534, 0755, 0, 65534},
        {"shared", 0, 01777, 0, 65534},
        {"group's", 0, 0775, -EACCES, 0},
        {"another's", 65533, 0755, -EACCES, 0},
    };
    char name[64];
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        make_directory(cases[i].name, cases[i].owner, cases[i].mode);
        snprintf(name, sizeof(name), "%s/log", cases[i].name);
        expect(name, &nobody, cases[i].result);
        if (cases[i].result == 0)
            assert_int_equal(stat_of(name).st_uid, cases[i].file_owner);
        // The thread is itself again.
        tempdir_puts(&dir, "own", "");
        assert_int_equal(stat_of("own").st_uid, 0);
    }
}

// Whoever may replace a part of the way does not choose a directory of root's.
TEST(test_ways)
{
    char name[PATH_MAX];
    if (geteuid() != 0)
        skip();
    make_directory("target", 0, 0755);
    make_directory("users", 65534, 0755);
    make_directory("users/roots", 0, 0755);
    make_directory("sticky", 0, 01777);
    make_directory("sticky/roots", 0, 0755);
    make_link("../target", "users/link");
    make_link("target", "link");
    make_link(tempdir_path(&dir, "link", name), "further");
    make_link("loop", "loop");
    expect("users/roots/log", &nobody, -EACCES);
    expect("users/link/log", &nobody, -EACCES);
    expect("users/../target/log", &nobody, -EACCES);
    expect("sticky/roots/log", &nobody, 0);
    expect("link/log", &nobody, 0);
    expect("further/log", &nobody, 0);
    expect("loop/log", &nobody, -ELOOP);
    assert_int_equal(stat_of("target/log").st_uid, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_somebody_elses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ways, setup, teardown),
    };
    return cmocka_run_group_tests_name("logfile", tests, NULL, NULL);
}
