#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/directory.h"

#include <errno.h>

static struct tempdir dir;

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

static int open_path(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

// The kind that is told of `name`, or -1: it is not there.
static int find(const char *name)
{
    struct directory d;
    struct slice found;
    enum directory_kind kind;
    int result, ret = -1;
    assert_int_equal(directory_open(&d, open_path(dir.path)), 0);
    while ((result = directory_next(&d, &found, &kind)) == 1) {
        assert_int_equal(found.ptr[found.len], '\0');
        assert_false(slice_equal(found, SLICE(".")) || slice_equal(found, SLICE("..")));
        if (slice_equal(found, slice_of(name)))
            ret = (int)kind;
    }
    assert_int_equal(result, 0);
    assert_int_equal(directory_next(&d, &found, &kind), 0);
    directory_close(&d);
    return ret;
}

TEST(test_kinds)
{
    char path[PATH_MAX];
    tempdir_puts(&dir, "file", "x");
    tempdir_puts(&dir, ".hidden", "x");
    tempdir_puts(&dir, "...", "x");
    tempdir_mkdir(&dir, "folder");
    assert_int_equal(symlink("file", tempdir_path(&dir, "link", path)), 0);
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0600), 0);
    // A file system need not say.
    assert_true(find("file") == DIRECTORY_FILE || find("file") == DIRECTORY_UNKNOWN);
    assert_true(find("folder") == DIRECTORY_FOLDER || find("folder") == DIRECTORY_UNKNOWN);
    assert_true(find("link") == DIRECTORY_LINK || find("link") == DIRECTORY_UNKNOWN);
    assert_true(find("fifo") == DIRECTORY_OTHER || find("fifo") == DIRECTORY_UNKNOWN);
    assert_int_not_equal(find(".hidden"), -1);
    assert_int_not_equal(find("..."), -1);
    assert_int_equal(find("missing"), -1);
}

// More than one system call gives.
TEST(test_many)
{
    enum { COUNT = 3000 };
    static bool seen[COUNT];
    struct directory d;
    struct slice name;
    enum directory_kind kind;
    for (int i = 0; i < COUNT; i++) {
        char text[64];
        snprintf(text, sizeof(text), "a-name-of-some-length-%04d", i);
        tempdir_puts(&dir, text, "");
    }
    assert_int_equal(directory_open(&d, open_path(dir.path)), 0);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(directory_next(&d, &name, &kind), 1);
        int number = atoi(name.ptr + name.len - 4);
        assert_false(seen[number]);
        seen[number] = true;
    }
    assert_int_equal(directory_next(&d, &name, &kind), 0);
    directory_close(&d);
}

TEST(test_owns_the_descriptor)
{
    struct directory d;
    char path[PATH_MAX];
    int fd = open_path(dir.path);
    assert_int_equal(directory_open(&d, fd), 0);
    assert_int_equal(directory_fd(&d), fd);
    directory_close(&d);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    tempdir_puts(&dir, "file", "x");
    fd = open_path(tempdir_path(&dir, "file", path));
    assert_int_equal(directory_open(&d, fd), -ENOTDIR);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owns_the_descriptor, setup, teardown),
    };
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
