// Where there is no /etc/passwd and no /etc/group, as in an image that holds one program.
#include "support/unit.h"

#include "sys/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

static int error;

struct passwd *__wrap_getpwnam(const char *name);
struct passwd *__wrap_getpwnam(const char *name)
{
    (void)name;
    errno = error;
    return NULL;
}

struct passwd *__wrap_getpwuid(uid_t uid);
struct passwd *__wrap_getpwuid(uid_t uid)
{
    (void)uid;
    errno = error;
    return NULL;
}

struct group *__wrap_getgrnam(const char *name);
struct group *__wrap_getgrnam(const char *name)
{
    (void)name;
    errno = error;
    return NULL;
}

TEST(test_numbers_need_no_database)
{
    uid_t uid = 7;
    gid_t gid = 7;
    error = ENOENT;
    assert_int_equal(account_find_user("nobody", &uid, &gid), -ENOENT);
    assert_int_equal(account_find_group("nobody", &gid), -ENOENT);
    assert_true(uid == 7 && gid == 7);
    assert_int_equal(account_find_user("65534", &uid, &gid), 0);
    assert_true(uid == 65534 && gid == 65534);
    assert_int_equal(account_find_group("33", &gid), 0);
    assert_int_equal(gid, 33);
}

TEST(test_one_that_cannot_be_read_is_an_error)
{
    uid_t uid;
    gid_t gid;
    error = EIO;
    assert_int_equal(account_find_user("65534", &uid, &gid), -EIO);
    assert_int_equal(account_find_group("33", &gid), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_need_no_database),
        cmocka_unit_test(test_one_that_cannot_be_read_is_an_error),
    };
    return cmocka_run_group_tests_name("account_absent", tests, NULL, NULL);
}
