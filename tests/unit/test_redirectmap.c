#include "support/tempdir.h"

#include "content/redirectmap.h"
#include "content/supply.h"

#include <errno.h>

static void collect(void *context, unsigned line, const char *why)
{
    char *text = context;
    size_t len = strlen(text);
    snprintf(text + len, 1024 - len, "%u: %.12s\n", line, why);
}

static unsigned line_for(const struct redirectmap *m, const char *path, const char *query)
{
    struct redirectline_values values;
    char text[256];
    struct buf room = buf_make(text, sizeof(text));
    const struct redirectmap_entry *e = redirectmap_find(m, slice_of(path), slice_of(query), &room,
                                                         &values);
    return e ? e->number : 0;
}

TEST(test_the_first_line_counts)
{
    static const char text[] = "# comment\r\n"
                               "/a /b\r\n"
                               "/a /never\n"
                               "\n"
                               "/v id=1 /one\n"
                               "/v id=:id /:id\n"
                               "/v /none\n"
                               "/x/* /y/:splat\n"
                               "/x/exact /never\n"
                               "/z/exact /z\n"
                               "/z/* /y/:splat\n"
                               "/%C3%BC%20b /u";
    static const struct {
        const char *path, *query;
        unsigned want;
    } cases[] = {
        {"/a", NULL, 2},        {"/v", "id=1", 5},      {"/v", "id=2", 6},
        {"/v", "x", 7},         {"/x/exact", NULL, 8}, // the splat stands before it
        {"/z/exact", NULL, 10}, {"/z/other", NULL, 11}, {"/\xc3\xbc b", NULL, 12},
        {"/none", NULL, 0},     {"/", NULL, 0},         {"/a/", NULL, 0},
    };
    struct redirectmap m;
    char reports[1024] = "";
    assert_int_equal(redirectmap_make(&m, slice_of(text), collect, reports), 0);
    assert_string_equal(reports, "");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(line_for(&m, cases[i].path, cases[i].query), cases[i].want);
    redirectmap_cleanup(&m);
    assert_int_equal(line_for(&m, "/a", NULL), 0);
}

TEST(test_errors_by_line)
{
    static const char text[] = "/a /b\nx /y\n/a%zz /b\n/c /d 302 Country=de\n/ok /ok\n/../x /y";
    struct redirectmap m = {0};
    char reports[1024] = "";
    assert_int_equal(redirectmap_make(&m, slice_of(text), collect, reports), -EBADMSG);
    assert_string_equal(reports, "2: a line begin\n3: the path hol\n"
                                 "4: conditions b\n6: the path lea\n");
    assert_null(m.entries);
}

TEST(test_many)
{
    enum { COUNT = 20000 };
    static char text[COUNT * 32];
    struct buf b = buf_make(text, sizeof(text));
    struct redirectmap m;
    char path[32], reports[1024] = "";
    for (unsigned i = 0; i < COUNT; i++)
        buf_printf(&b, "/old/%u /new/%u\n", i, i);
    assert_false(b.overflow);
    assert_int_equal(redirectmap_make(&m, buf_slice(&b), collect, reports), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "/old/%u", i);
        assert_int_equal(line_for(&m, path, NULL), i + 1);
    }
    redirectmap_cleanup(&m);
    b.len = 0;
    for (unsigned i = 0; i <= REDIRECTMAP_PATTERNS_MAX; i++)
        buf_printf(&b, "/%u/:a /:a\n", i);
    assert_int_equal(redirectmap_make(&m, buf_slice(&b), collect, reports), -EBADMSG);
    assert_string_equal(reports, "1001: there are to\n");
}

static int open_file(const char *path)
{
    return supply_own.open_file(NULL, path);
}

TEST(test_files)
{
    struct tempdir dir;
    struct redirectmap m;
    char path[PATH_MAX], reports[1024] = "";
    tempdir_make(&dir);
    tempdir_puts(&dir, "r", "/a /b\n");
    assert_int_equal(
        redirectmap_load(&m, open_file(tempdir_path(&dir, "r", path)), collect, reports), 0);
    assert_int_equal(line_for(&m, "/a", NULL), 1);
    redirectmap_cleanup(&m);
    tempdir_puts(&dir, "empty", "");
    assert_int_equal(
        redirectmap_load(&m, open_file(tempdir_path(&dir, "empty", path)), collect, reports), 0);
    assert_int_equal(line_for(&m, "/a", NULL), 0);
    redirectmap_cleanup(&m);
    assert_int_equal(redirectmap_load(&m, open_file(dir.path), collect, reports), -EINVAL);
    assert_int_equal(
        redirectmap_load(&m, open_file(tempdir_path(&dir, "no", path)), collect, reports), -ENOENT);
    assert_string_equal(reports, "");
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_line_counts),
        cmocka_unit_test(test_errors_by_line),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests_name("redirectmap", tests, NULL, NULL);
}
