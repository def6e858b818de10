#include "process.h"
#include "tempdir.h"
#include "unit.h"

#include "daemon/upgrade.h"

#include <errno.h>
#include <poll.h>

static struct tempdir dir;
static char name[] = "tined";
static char *arguments[] = {name, NULL};
static int saved_stderr;

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    saved_stderr = redirect_stderr(&dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    restore_stderr(saved_stderr);
    tempdir_remove(&dir);
    return 0;
}

static void open_upgrade(struct upgrade *u)
{
    enum upgrade_role role = UPGRADE_PROVER;
    struct state s;
    assert_int_equal(upgrade_init(u, arguments, &role, &s), 0);
    assert_int_equal(role, UPGRADE_NONE);
    assert_true(u->image >= 0);
    assert_non_null(strstr(u->path, "test_upgrade"));
}

static struct state state_of(const struct upgrade *u)
{
    struct state s = {.handoff = {0, 1}, .image = u->image};
    memcpy(s.path, u->path, sizeof(s.path));
    return s;
}

// What becomes of a program in the place of ours.
static enum upgrade_proof prove(struct upgrade *u, const char *script, mode_t mode)
{
    const struct state s = state_of(u);
    tempdir_puts(&dir, "program", script);
    assert_int_equal(chmod(tempdir_path(&dir, "program", u->path), mode), 0);
    assert_int_equal(upgrade_prove(u, &s), 0);
    assert_int_equal(poll(&(struct pollfd){.fd = u->proof.pidfd, .events = POLLIN}, 1, 10000), 1);
    enum upgrade_proof result = upgrade_judge(u);
    assert_int_equal(u->proof.pid, 0);
    return result;
}

static void test_proof(void **state)
{
    struct upgrade u;
    (void)state;
    size_t before = count_fds();
    open_upgrade(&u);
    assert_int_equal(prove(&u, "#!/bin/sh\nexit 0\n", 0700), UPGRADE_REFUSED); // any program can
    // It gets the state, by a descriptor that is open in it.
    assert_int_equal(prove(&u,
                           "#!/bin/sh\nset -- $TINED_STATE\n[ \"$2\" = prove ] || exit 1\n"
                           "grep -q '^tined-state 1$' /proc/self/fd/$1 &&\n"
                           "printf 'proven ' > /proc/self/fd/$1\n",
                           0700),
                     UPGRADE_PROVEN);
    assert_int_equal(prove(&u, "#!/bin/sh\nexit 78\n", 0700), UPGRADE_REFUSED);
    assert_int_equal(prove(&u, "#!/bin/sh\nkill -ABRT $$\n", 0700), UPGRADE_REFUSED);
    if (geteuid() != 0 || access(u.path, X_OK) < 0)
        assert_int_equal(prove(&u, "#!/bin/sh\nexit 0\n", 0600), UPGRADE_REFUSED);
    upgrade_cleanup(&u);
    assert_int_equal(count_fds(), before);
}

static void test_give_up(void **state)
{
    struct upgrade u;
    (void)state;
    open_upgrade(&u);
    const struct state s = state_of(&u);
    tempdir_puts(&dir, "program", "#!/bin/sh\nexec sleep 100\n");
    assert_int_equal(chmod(tempdir_path(&dir, "program", u.path), 0700), 0);
    assert_int_equal(upgrade_prove(&u, &s), 0);
    upgrade_give_up(&u);
    assert_int_equal(u.proof.pid, 0);
    upgrade_give_up(&u); // harmless
    upgrade_cleanup(&u);
}

// What comes back is as before.
static void test_exec_that_fails(void **state)
{
    struct upgrade u;
    (void)state;
    open_upgrade(&u);
    size_t before = count_fds();
    struct state s = state_of(&u);
    s.handoff[0] = s.handoff[1] = dup(0);
    tempdir_path(&dir, "nothing", u.path);
    assert_int_equal(upgrade_exec(&u, &s), -ENOENT);
    assert_true(fcntl(s.handoff[0], F_GETFD) & FD_CLOEXEC);
    assert_null(getenv("TINED_STATE"));
    s.image = -1;
    assert_int_equal(upgrade_go_back(&u, &s), -ENOENT);
    close(s.handoff[0]);
    assert_int_equal(count_fds(), before);
    upgrade_cleanup(&u);
}

static void test_a_state_that_is_none(void **state)
{
    static const char *const values[] = {"nonsense", "", "99999", "-1"};
    struct upgrade u;
    enum upgrade_role role;
    struct state s;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        assert_int_equal(setenv("TINED_STATE", values[i], 1), 0);
        assert_true(upgrade_init(&u, arguments, &role, &s) < 0);
        assert_null(getenv("TINED_STATE"));
        upgrade_cleanup(&u);
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
    return cmocka_run_group_tests_name("upgrade", tests, setup, teardown);
}
