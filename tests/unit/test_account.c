#include "support/unit.h"

#include "sys/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>

TEST(test_users)
{
    uid_t uid = 7;
    gid_t gid = 7;
    char number[32];
    const struct passwd *known = getpwnam("nobody");
    assert_non_null(known);
    const uid_t want_uid = known->pw_uid;
    const gid_t want_gid = known->pw_gid;
    snprintf(number, sizeof(number), "%u", (unsigned)want_uid);
    assert_int_equal(account_find_user("no-such-user", &uid, &gid), -ENOENT);
    assert_int_equal(account_find_user("4294967295", &uid, &gid), -ENOENT);
    assert_int_equal(account_find_user("-1", &uid, &gid), -ENOENT);
    assert_int_equal(account_find_user("", &uid, &gid), -ENOENT);
    assert_true(uid == 7 && gid == 7);
    assert_int_equal(account_find_user("nobody", &uid, &gid), 0);
    assert_true(uid == want_uid && gid == want_gid);
    uid = gid = 7;
    assert_int_equal(account_find_user(number, &uid, &gid), 0);
    assert_true(uid == want_uid && gid == want_gid);
    // As containers have them: no database knows it.
    assert_int_equal(account_find_user("3123456789", &uid, &gid), 0);
    assert_true(uid == 3123456789 && gid == 3123456789);
}

TEST(test_groups)
{
    gid_t gid = 7;
    const struct group *known = getgrnam("daemon");
    assert_non_null(known);
    const gid_t want = known->gr_gid;
    assert_int_equal(account_find_group("no-such-group", &gid), -ENOENT);
    assert_int_equal(account_find_group("4294967295", &gid), -ENOENT);
    assert_int_equal(gid, 7);
    assert_int_equal(account_find_group("daemon", &gid), 0);
    assert_int_equal(gid, want);
    assert_int_equal(account_find_group("3123456789", &gid), 0);
    assert_true(gid == 3123456789);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
