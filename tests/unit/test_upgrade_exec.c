#include "support/process.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "daemon/upgrade_exec.h"

#include <errno.h>
#include <poll.h>

static char name[] = "tined";
static char *arguments[] = {name, NULL};

static void open_upgrade(struct upgrade_exec *u)
{
    enum upgrade_exec_role role = UPGRADE_EXEC_PROVER;
    struct upgrade_state s;
    assert_int_equal(upgrade_exec_init(u, arguments, &role, &s), 0);
    assert_int_equal(role, UPGRADE_EXEC_NONE);
    assert_true(u->image >= 0);
    assert_non_null(strstr(u->path, "test_upgrade"));
}

static struct upgrade_state state_of(const struct upgrade_exec *u)
{
    struct upgrade_state s = {
        .version = UPGRADE_STATE_VERSION, .handoff = {0, 1}, .image = u->image};
    memcpy(s.path, u->path, sizeof(s.path));
    return s;
}

// Proves a script that stands in the place of our program.
static enum upgrade_exec_proof prove(struct upgrade_exec *u, const char *script, mode_t mode)
{
    const struct upgrade_state s = state_of(u);
    tempdir_puts(&logged_dir, "program", script);
    assert_int_equal(chmod(tempdir_path(&logged_dir, "program", u->path), mode), 0);
    assert_int_equal(upgrade_exec_prove(u, &s), 0);
    assert_int_equal(poll(&(struct pollfd){.fd = u->proof.pidfd, .events = POLLIN}, 1, 10000), 1);
    int status;
    assert_int_equal(child_reap(&u->proof, &status), 0);
    enum upgrade_exec_proof result = upgrade_exec_judge(u, status);
    assert_int_equal(u->proof.pid, 0);
    return result;
}

TEST(test_proof)
{
    struct upgrade_exec u;
    size_t before = count_fds();
    open_upgrade(&u);
    assert_int_equal(prove(&u, "#!/bin/sh\nexit 0\n", 0700),
                     UPGRADE_EXEC_REFUSED); // any program can
    // It gets the state, by a descriptor that is open in it.
    assert_int_equal(prove(&u,
                           "#!/bin/sh\nset -- $TINED_STATE\n[ \"$2\" = prove ] || exit 1\n"
                           "grep -q '^tined-state 3$' /proc/self/fd/$1 &&\n"
                           "printf 'proven ' > /proc/self/fd/$1\n",
                           0700),
                     UPGRADE_EXEC_PROVEN);
    assert_int_equal(prove(&u, "#!/bin/sh\nexit 78\n", 0700), UPGRADE_EXEC_REFUSED);
    assert_int_equal(prove(&u, "#!/bin/sh\nkill -ABRT $$\n", 0700), UPGRADE_EXEC_REFUSED);
    if (geteuid() != 0 || access(u.path, X_OK) < 0)
        assert_int_equal(prove(&u, "#!/bin/sh\nexit 0\n", 0600), UPGRADE_EXEC_REFUSED);
    upgrade_exec_cleanup(&u);
    assert_int_equal(count_fds(), before);
}

TEST(test_give_up)
{
    struct upgrade_exec u;
    open_upgrade(&u);
    const struct upgrade_state s = state_of(&u);
    tempdir_puts(&logged_dir, "program", "#!/bin/sh\nexec sleep 100\n");
    assert_int_equal(chmod(tempdir_path(&logged_dir, "program", u.path), 0700), 0);
    assert_int_equal(upgrade_exec_prove(&u, &s), 0);
    upgrade_exec_give_up(&u);
    assert_int_equal(u.proof.pid, 0);
    upgrade_exec_give_up(&u); // harmless
    upgrade_exec_cleanup(&u);
}

// All that comes back is as before.
TEST(test_exec_that_fails)
{
    struct upgrade_exec u;
    open_upgrade(&u);
    size_t before = count_fds();
    struct upgrade_state s = state_of(&u);
    s.handoff[0] = s.handoff[1] = dup(0);
    tempdir_path(&logged_dir, "nothing", u.path);
    assert_int_equal(upgrade_exec_become(&u, &s), -ENOENT);
    assert_true(fcntl(s.handoff[0], F_GETFD) & FD_CLOEXEC);
    assert_null(getenv("TINED_STATE"));
    s.image = -1;
    assert_int_equal(upgrade_exec_go_back(&u, &s), -ENOENT);
    close(s.handoff[0]);
    assert_int_equal(count_fds(), before);
    upgrade_exec_cleanup(&u);
}

TEST(test_a_state_that_is_none)
{
    static const char *const values[] = {"nonsense", "", "99999", "-1"};
    struct upgrade_exec u;
    enum upgrade_exec_role role;
    struct upgrade_state s;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        assert_int_equal(setenv("TINED_STATE", values[i], 1), 0);
        assert_true(upgrade_exec_init(&u, arguments, &role, &s) < 0);
        assert_null(getenv("TINED_STATE"));
        upgrade_exec_cleanup(&u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proof),
        cmocka_unit_test(test_give_up),
        cmocka_unit_test(test_exec_that_fails),
        cmocka_unit_test(test_a_state_that_is_none),
    };
    return cmocka_run_group_tests_name("upgrade_exec", tests, logged_dir_enter, logged_dir_leave);
}
