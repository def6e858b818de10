#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/textfile.h"

#include <errno.h>
#include <stdlib.h>

static struct tempdir dir;

static int make_dir(void **state)
{
    (void)state;
    tempdir_make(&dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

static int open_text(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

TEST(test_texts)
{
    static const char *const texts[] = {"", "a", "two\nlines\n", "no end"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char path[PATH_MAX], *text = NULL;
        size_t len = 99;
        tempdir_puts(&dir, "text", texts[i]);
        assert_int_equal(
            textfile_read(open_text(tempdir_path(&dir, "text", path)), 10, &text, &len), 0);
        assert_slice(slice_make(text, len), texts[i]);
        free(text);
    }
}

TEST(test_files_that_are_refused)
{
    char path[PATH_MAX], *text = NULL;
    size_t len = 99;
    tempdir_puts(&dir, "text", "12345");
    assert_int_equal(textfile_read(open_text(tempdir_path(&dir, "text", path)), 4, &text, &len),
                     -EFBIG);
    assert_int_equal(textfile_read(open_text(tempdir_path(&dir, "none", path)), 4, &text, &len),
                     -ENOENT);
    assert_int_equal(textfile_read(open_text(tempdir_path(&dir, "text/x", path)), 4, &text, &len),
                     -ENOTDIR);
    assert_int_equal(textfile_read(open_text(dir.path), 4, &text, &len), -EINVAL);
    assert_int_equal(mkfifo(tempdir_path(&dir, "fifo", path), 0600), 0);
    assert_int_equal(textfile_read(open_text(path), 4, &text, &len), -EINVAL); // at once
    assert_null(text);
    assert_int_equal(len, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_files_that_are_refused),
    };
    return cmocka_run_group_tests_name("textfile", tests, make_dir, remove_dir);
}
