#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/unit_hides.h"

#include <unistd.h>

static const char mounts[] =
    "22 28 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
    "nonsense\n"
    "\n"
    "401 380 0:25 /systemd/inaccessible/dir /var/people ro,nosuid shared:9 - tmpfs tmpfs "
    "rw,mode=755\n"
    "402 380 0:25 /tined/systemd/inaccessible/reg /srv/secret ro - tmpfs tmpfs rw\n"
    "403 380 0:25 / /srv/www rw - tmpfs tmpfs rw\n";

TEST(test_paths)
{
    static const struct {
        const char *path;
        bool is_hidden;
    } cases[] = {
        {"/var/people", true},
        {"/var/people/no-such-user/www", true},
        {"/var/peoples/x", false},
        {"/srv/secret", true},
        {"/srv/secrets", false},
        {"/srv/www/none", false},
        {"/proc/none/x", false},
        {"/", false},
        {"", false},
    };
    char path[PATH_MAX];
    struct tempdir dir;
    tempdir_make(&dir);
    tempdir_puts(&dir, "mounts", mounts);
    tempdir_path(&dir, "mounts", path);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(unit_hides_path_in(path, cases[i].path), cases[i].is_hidden);
    assert_false(unit_hides_path_in("/nonexistent/mounts", "/var/people"));
    assert_false(unit_hides_path("/proc"));
    tempdir_remove(&dir);
}

// The target of a link is hidden, not the link. musl does not say how far it followed one.
TEST(test_link)
{
#ifndef __GLIBC__
    skip();
#endif
    char path[PATH_MAX], link[PATH_MAX];
    struct tempdir dir;
    tempdir_make(&dir);
    tempdir_puts(&dir, "mounts", mounts);
    assert_int_equal(symlink("/var/people/no-such-user/www", tempdir_path(&dir, "link", link)), 0);
    assert_true(unit_hides_path_in(tempdir_path(&dir, "mounts", path), link));
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_link),
    };
    return cmocka_run_group_tests_name("unit_hides", tests, NULL, NULL);
}
