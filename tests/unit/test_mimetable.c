#include "support/tempdir.h"
#include "support/unit.h"

#include "content/mimetable.h"
#include "content/supply.h"

#include <errno.h>

static const char *type_in(const struct mimetable_site *site, const char *name)
{
    static char text[256];
    struct buf b = buf_make(text, sizeof(text) - 1);
    mimetable_type(site, slice_of(name), &b);
    text[b.len] = '\0';
    return text;
}

static const char *type_of(const struct mimetable *t, const char *name)
{
    static const struct mimetable none;
    const struct mimetable_site site = {&none, t, SLICE("application/octet-stream"),
                                        SLICE("utf-8")};
    return type_in(&site, name);
}

static int open_file(const char *path)
{
    return supply_own.open_file(NULL, path);
}

TEST(test_file_before_core)
{
    struct tempdir dir;
    char path[PATH_MAX];
    struct mimetable t;
    tempdir_make(&dir);
    tempdir_puts(&dir, "types",
                 "# types\ntext/x-mine mine MINE2\n\nimage/x-png png\nempty/one\n"
                 "text/second mine\nno-slash bad\napplication/last last");
    assert_int_equal(mimetable_load(&t, open_file(tempdir_path(&dir, "types", path))), 0);
    assert_int_equal(t.count, 4);
    assert_string_equal(type_of(&t, "a.mine"), "text/x-mine; charset=utf-8");
    assert_string_equal(type_of(&t, "a/b.Mine2"), "text/x-mine; charset=utf-8");
    assert_string_equal(type_of(&t, "a.png"), "image/x-png");
    assert_string_equal(type_of(&t, "a.last"), "application/last");
    assert_string_equal(type_of(&t, "a.html"), "text/html; charset=utf-8");
    assert_string_equal(type_of(&t, "a.bad"), "application/octet-stream");
    assert_string_equal(type_of(&t, "a.last"), "application/last");
    t.after_core = true; // the system's file
    assert_string_equal(type_of(&t, "a.png"), "image/png");
    assert_string_equal(type_of(&t, "a.last"), "application/last");
    assert_string_equal(type_of(&t, "README"), "text/plain; charset=utf-8");
    mimetable_cleanup(&t);
    tempdir_remove(&dir);
}

TEST(test_no_file)
{
    struct mimetable t;
    t = (struct mimetable){.count = 0};
    assert_int_equal(mimetable_load(&t, open_file("/nonexistent/mime.types")), -ENOENT);
    assert_null(t.entries); // left alone: an empty one will do
    assert_string_equal(type_of(&t, "a.css"), "text/css; charset=utf-8");
    mimetable_cleanup(&t);
}

TEST(test_files_that_cannot_be_read)
{
    struct tempdir dir;
    char path[PATH_MAX];
    struct mimetable t;
    tempdir_make(&dir);
    assert_int_equal(mimetable_load(&t, open_file(dir.path)), -EINVAL); // a directory
    tempdir_puts(&dir, "file", "");
    assert_int_equal(mimetable_load(&t, open_file(tempdir_path(&dir, "file", path))), 0);
    assert_int_equal(t.count, 0);
    mimetable_cleanup(&t);
    assert_int_equal(mimetable_load(&t, open_file(tempdir_path(&dir, "file/below", path))),
                     -ENOTDIR);
    assert_int_equal(truncate(tempdir_path(&dir, "file", path), (4 << 20) - 1), 0);
    assert_int_equal(mimetable_load(&t, open_file(path)), 0);
    mimetable_cleanup(&t);
    assert_int_equal(truncate(path, (4 << 20) + 1), 0);
    assert_int_equal(mimetable_load(&t, open_file(path)), -EFBIG);
    tempdir_remove(&dir);
}

TEST(test_of_a_site)
{
    static char first[] = "text/x-own own html", second[] = "application/x-two two own # too late";
    static char general_line[] = "text/x-general own general";
    char *const lines[] = {first, second}, *const general_lines[] = {general_line};
    struct mimetable own, general;
    assert_int_equal(mimetable_make(&own, lines, ARRAY_SIZE(lines)), 0);
    assert_int_equal(mimetable_make(&general, general_lines, 1), 0);
    struct mimetable_site site = {&own, &general, SLICE("x/unknown"), SLICE("latin1")};
    assert_string_equal(type_in(&site, "a.own"), "text/x-own; charset=latin1");
    assert_string_equal(type_in(&site, "a.html"), "text/x-own; charset=latin1");
    assert_string_equal(type_in(&site, "a.two"), "application/x-two");
    assert_string_equal(type_in(&site, "a.general"), "text/x-general; charset=latin1");
    assert_string_equal(type_in(&site, "a.css"), "text/css; charset=latin1");
    assert_string_equal(type_in(&site, "a.nobody"), "x/unknown");
    site.charset = site.unknown = SLICE("");
    assert_string_equal(type_in(&site, "a.css"), "text/css");
    assert_string_equal(type_in(&site, "a.nobody"), "");
    mimetable_cleanup(&own);
    mimetable_cleanup(&general);
    assert_int_equal(mimetable_make(&own, NULL, 0), 0);
    assert_int_equal(own.count, 0);
    mimetable_cleanup(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_before_core),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_of_a_site),
    };
    return cmocka_run_group_tests_name("mimetable", tests, NULL, NULL);
}
