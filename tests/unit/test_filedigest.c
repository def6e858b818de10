#include "support/tempdir.h"
#include "support/unit.h"

#include "content/filedigest.h"

#include <sys/xattr.h>

#define HEX   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct tempdir dir;
static struct rootfs root;
static int fd;

static int setup(void **state)
{
    char path[PATH_MAX];
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "a", "content");
    tempdir_date(&dir, "a", 1000);
    fd = open(tempdir_path(&dir, "a", path), O_RDONLY);
    assert_true(fd >= 0);
    return rootfs_init(&root, dir.path);
}

static int teardown(void **state)
{
    (void)state;
    close(fd);
    rootfs_cleanup(&root);
    tempdir_remove(&dir);
    return 0;
}

static struct filedigest look(void)
{
    struct filedigest d;
    struct file_identity id;
    assert_int_equal(rootfs_fstat(fd, &id), 0);
    filedigest_read(&d, &root, &(struct filedigest_file){"a", fd, &id}, time(NULL) + 1000);
    return d;
}

TEST(test_sidecar)
{
    static const struct {
        const char *text;
        int64_t mtime; // of the file: 1000
        bool known;
    } cases[] = {
        {HEX "  a\n", 1000, true}, {HEX, 1001, true}, {HEX "\n", 999, false},
        {"nonsense", 1001, false}, {"", 1001, false},
    };
    char path[PATH_MAX];
    assert_false(look().known);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        tempdir_puts(&dir, "a.sha256", cases[i].text);
        tempdir_date(&dir, "a.sha256", cases[i].mtime);
        const struct filedigest d = look();
        if (d.known != cases[i].known)
            fail_msg("case %zu", i);
        assert_true(d.lasting);
        assert_true(filedigest_is_current(&d, &root, "a"));
        if (d.known)
            assert_int_equal(d.bytes[31], 0xff);
        tempdir_date(&dir, "a.sha256", 2000); // a change of it is seen
        assert_false(filedigest_is_current(&d, &root, "a"));
    }
    const struct filedigest d = look();
    assert_int_equal(unlink(tempdir_path(&dir, "a.sha256", path)), 0);
    assert_false(filedigest_is_current(&d, &root, "a"));
    tempdir_mkdir(&dir, "a.sha256"); // is none
    assert_false(look().known);
}

TEST(test_young_sidecar)
{
    struct filedigest d;
    struct file_identity id;
    tempdir_puts(&dir, "a.sha256", HEX);
    assert_int_equal(rootfs_fstat(fd, &id), 0);
    filedigest_read(&d, &root, &(struct filedigest_file){"a", fd, &id}, time(NULL));
    assert_true(d.known);
    assert_false(d.lasting); // it may change once more in this tick of the clock
}

TEST(test_attribute)
{
    char path[PATH_MAX];
    if (setxattr(tempdir_path(&dir, "a", path), "user.sha256", HEX, strlen(HEX), 0) < 0)
        skip(); // this file system has none
    assert_true(look().known);
    tempdir_puts(&dir, "a.sha256", OTHER); // is asked first
    assert_int_equal(look().bytes[0], 0xff);
    tempdir_puts(&dir, "a.sha256", "");
    assert_int_equal(look().bytes[0], 0x00);
    tempdir_puts(&dir, "a", "changed later");
    assert_false(look().known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sidecar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_young_sidecar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attribute, setup, teardown),
    };
    return cmocka_run_group_tests_name("filedigest", tests, NULL, NULL);
}
