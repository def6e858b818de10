#include "support/tempdir.h"
#include "support/unit.h"

#include "precompress/writer.h"

#include <errno.h>

static struct tempdir d;

static int setup(void **state)
{
    (void)state;
    tempdir_make(&d);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(&d);
    return 0;
}

static int open_dir(void)
{
    int dir = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    return dir;
}

static size_t count_entries(void)
{
    DIR *dir = opendir(d.path);
    size_t count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; // "." and ".."
}

TEST(test_commit)
{
    char path[PATH_MAX], got[64];
    int dir = open_dir();
    size_t fds = count_fds();
    struct writer w;
    struct stat st;
    const struct timespec times[] = {{1, 0}, {1234567890, 123456789}};
    tempdir_puts(&d, "like", "x");
    tempdir_puts(&d, "to", "old");
    assert_int_equal(utimensat(dir, "like", times, 0), 0);
    assert_int_equal(chmod(tempdir_path(&d, "like", path), 0604), 0);

    assert_int_equal(writer_open(&w, dir), 0);
    assert_int_equal(w.name[0], '.');
    assert_int_equal(fstatat(dir, w.name, &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(writer_write(&w, "new ", 4), 0);
    assert_int_equal(writer_write(&w, "content", 7), 0);
    tempdir_read(&d, "to", got, sizeof(got));
    assert_string_equal(got, "old");

    int like = openat(dir, "like", O_RDONLY | O_CLOEXEC);
    assert_int_equal(writer_dress(&w, like), 0);
    close(like);
    assert_int_equal(writer_commit(&w, "to"), 0);
    tempdir_read(&d, "to", got, sizeof(got));
    assert_string_equal(got, "new content");
    assert_int_equal(fstatat(dir, "to", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0604);
    assert_int_equal(st.st_mtim.tv_sec, 1234567890);
    assert_int_equal(st.st_mtim.tv_nsec, 123456789);
    writer_discard(&w); // harmless
    assert_int_equal(count_entries(), 2);
    assert_int_equal(count_fds(), fds);
    close(dir);
}

TEST(test_owner)
{
    struct writer w;
    struct stat st;
    int dir = open_dir();
    if (geteuid() != 0)
        skip(); // who cannot give away files
    tempdir_puts(&d, "like", "x");
    assert_int_equal(fchownat(dir, "like", 12, 34, 0), 0);
    int like = openat(dir, "like", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fchmod(like, 04750), 0);
    assert_int_equal(writer_open(&w, dir), 0);
    assert_int_equal(writer_dress(&w, like), 0);
    assert_int_equal(writer_commit(&w, "to"), 0);
    assert_int_equal(fstatat(dir, "to", &st, 0), 0);
    assert_int_equal(st.st_uid, 12);
    assert_int_equal(st.st_gid, 34);
    assert_int_equal(st.st_mode & 07777, 0750);
    close(like);
    close(dir);
}

TEST(test_failures_leave_nothing)
{
    struct writer w = {.fd = -1};
    size_t fds = count_fds();
    int dir = open_dir();
    writer_discard(&w);
    assert_int_equal(writer_open(&w, dir), 0);
    assert_int_equal(writer_write(&w, "x", 1), 0);
    writer_discard(&w);
    assert_int_equal(w.fd, -1);
    assert_int_equal(count_entries(), 0);

    tempdir_mkdir(&d, "to");
    tempdir_puts(&d, "to/x", "");
    assert_int_equal(writer_open(&w, dir), 0);
    assert_int_equal(writer_commit(&w, "to"), -EISDIR);
    assert_int_equal(count_entries(), 1);

    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full >= 0) {
        struct writer broken = {.dir = dir, .fd = full};
        assert_int_equal(writer_write(&broken, "x", 1), -ENOSPC);
        close(full);
    }
    close(dir);
    assert_int_equal(writer_open(&w, dir), -EBADF);
    assert_int_equal(count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_leave_nothing, setup, teardown),
    };
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
