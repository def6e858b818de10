#include "support/unit.h"

#include "sys/privs.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Runs `f` in a child that nothing of what it gives up can harm: 0 is success.
static int in_child(int (*f)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(f());
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The value of one line of /proc/self/status, without the space around it.
static char *status_of(const char *key, char *value, size_t size)
{
    char line[1024];
    FILE *f = fopen("/proc/self/status", "re");
    value[0] = '\0';
    while (f && fgets(line, sizeof(line), f)) {
        struct slice rest = slice_of(line), name = slice_split(&rest, ':');
        if (!slice_equal(name, slice_of(key)))
            continue;
        line[strcspn(line, "\n")] = '\0';
        rest = slice_trim(slice_of(rest.ptr));
        snprintf(value, size, "%.*s", SLICE_ARG(rest));
    }
    if (f)
        fclose(f);
    return value;
}

static bool status_is(const char *key, const char *want)
{
    char value[1024];
    if (strcmp(status_of(key, value, sizeof(value)), want) == 0)
        return true;
    fprintf(stderr, "%s is \"%s\", not \"%s\"\n", key, value, want);
    return false;
}

#define NOTHING "0000000000000000"

static bool has_no_capability(void)
{
    return status_is("CapInh", NOTHING) && status_is("CapPrm", NOTHING) &&
           status_is("CapEff", NOTHING) && status_is("CapAmb", NOTHING);
}

// ---- resolving ---------------------------------------------------------------------------------

TEST(test_resolve)
{
    struct privs p;
    const char *what = "nothing";
    if (geteuid() != 0)
        skip();
    const struct passwd *pw = getpwnam("nobody");
    assert_non_null(pw);
    uid_t uid = pw->pw_uid;
    gid_t gid = pw->pw_gid;
    assert_int_equal(privs_resolve("nobody", NULL, &p, &what), 0);
    assert_true(p.change_ids);
    assert_int_equal(p.uid, uid);
    assert_int_equal(p.gid, gid);
    assert_int_equal(p.group_count, 1);
    assert_int_equal(p.groups[0], gid);

    const struct group *gr = getgrnam("daemon");
    assert_non_null(gr);
    assert_int_equal(privs_resolve("nobody", "daemon", &p, &what), 0);
    assert_int_equal(p.gid, gr->gr_gid);
    assert_int_equal(p.groups[0], gr->gr_gid);
    assert_int_equal(privs_resolve("nobody", "", &p, &what), 0);
    assert_int_equal(p.gid, gid);
    assert_string_equal(what, "nothing");
}

// Where no capability is left to change ids, root can still be what it is.
TEST(test_resolve_what_one_is)
{
    struct privs p = {.change_ids = true};
    const char *what;
    if (geteuid() != 0 || getegid() != 0)
        skip();
    assert_int_equal(privs_resolve("root", NULL, &p, &what), 0);
    assert_false(p.change_ids);
    assert_int_equal(privs_resolve("0", "0", &p, &what), 0);
    assert_false(p.change_ids);
    assert_int_equal(privs_resolve("root", "daemon", &p, &what), 0);
    assert_true(p.change_ids);
    assert_int_equal(privs_resolve("3123456789", NULL, &p, &what), 0);
    assert_true(p.change_ids && p.uid == 3123456789 && p.gid == 3123456789);
    assert_int_equal(p.group_count, 1);
}

TEST(test_remedy)
{
    assert_non_null(strstr(privs_remedy("setgroups", -EPERM), "CAP_SETGID"));
    assert_string_equal(privs_remedy("setgroups", -ENOMEM), "");
    assert_string_equal(privs_remedy("capset", -EPERM), "");
}

TEST(test_resolve_no_such)
{
    struct privs p = {.uid = 7}, q = p;
    const char *what = "nothing";
    if (geteuid() != 0)
        skip();
    assert_int_equal(privs_resolve("no-such-user", NULL, &p, &what), -ENOENT);
    assert_string_equal(what, "user");
    assert_int_equal(privs_resolve("nobody", "no-such-group", &p, &what), -ENOENT);
    assert_string_equal(what, "group");
    assert_memory_equal(&p, &q, sizeof(p));
}

static int resolve_as_nobody(void)
{
    struct privs p = {.change_ids = true};
    const char *what;
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        return 1;
    return privs_resolve("no-such-user", "no-such-group", &p, &what) == 0 && !p.change_ids ? 0 : 2;
}

TEST(test_resolve_without_root)
{
    assert_int_equal(in_child(resolve_as_nobody), 0);
}

TEST(test_resolve_nobody_in_particular)
{
    struct privs p = {.change_ids = true};
    const char *what;
    assert_int_equal(privs_resolve(NULL, NULL, &p, &what), 0);
    assert_false(p.change_ids);
    assert_int_equal(p.uid, geteuid());
}

// ---- the worker --------------------------------------------------------------------------------

static const struct privs other = {
    .change_ids = true, .uid = 12345, .gid = 23456, .groups = {23456, 34567}, .group_count = 2};

static int confine_changing_ids(void)
{
    const char *what = "";
    int signal = 0, r = privs_confine_worker(&other, getppid(), &what);
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(-r));
        return 1;
    }
    prctl(PR_GET_PDEATHSIG, &signal);
    bool confined = has_no_capability() && status_is("CapBnd", NOTHING) &&
                    status_is("NoNewPrivs", "1") && prctl(PR_GET_DUMPABLE) == 0 &&
                    status_is("Groups", "23456 34567") &&
                    status_is("Uid", "12345\t12345\t12345\t12345") &&
                    status_is("Gid", "23456\t23456\t23456\t23456") && signal == SIGTERM;
    bool stays = setuid(0) < 0 && seteuid(0) < 0 && setgid(0) < 0 && setgroups(0, NULL) < 0;
    return confined && stays ? 0 : 2;
}

static int confine_keeping_ids(void)
{
    const struct privs same = {.change_ids = false};
    const char *what = "";
    if (privs_confine_worker(&same, getppid(), &what) < 0)
        return 1;
    bool confined = has_no_capability() && status_is("CapBnd", NOTHING) &&
                    status_is("NoNewPrivs", "1") && prctl(PR_GET_DUMPABLE) == 0 && geteuid() == 0;
    return confined && setgid(1) < 0 && errno == EPERM ? 0 : 2;
}

static int confine_without_root(void)
{
    const struct privs same = {.change_ids = false};
    const char *what = "";
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        return 1;
    // The bounding set cannot be dropped without CAP_SETPCAP, and need not be.
    if (privs_confine_worker(&same, getppid(), &what) < 0)
        return 2;
    return has_no_capability() && status_is("NoNewPrivs", "1") && prctl(PR_GET_DUMPABLE) == 0 ? 0
                                                                                              : 3;
}

// Makes capset(2) fail, as a service manager's filter does.
static int forbid_capset(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_capset, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {ARRAY_SIZE(program), program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0;
}

static int confine_without_capset(void)
{
    const struct privs same = {.change_ids = false};
    const char *what = "";
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        return 1;
    if (forbid_capset())
        return 2;
    return privs_confine_worker(&same, getppid(), &what) == 0 && has_no_capability() ? 0 : 3;
}

static int confine_orphan(void)
{
    const struct privs same = {.change_ids = false};
    const char *what = "";
    return privs_confine_worker(&same, getpid(), &what) == -ESRCH &&
                   strcmp(what, "PR_SET_PDEATHSIG") == 0
               ? 0
               : 1;
}

// Without the capabilities to change ids, a worker must not go on as it is.
static int confine_in_vain(void)
{
    const struct privs none = {.change_ids = false};
    const char *what = "";
    if (privs_reduce_master(&none) < 0)
        return 1;
    return privs_confine_worker(&other, getppid(), &what) == -EPERM &&
                   strcmp(what, "setgroups") == 0
               ? 0
               : 2;
}

// ThreadSanitizer runs a thread of its own, which keeps its capabilities when ours gives them up,
// and the C library aborts when it then can change ids and we cannot.
static bool has_other_threads(void)
{
#ifdef __has_feature
    return __has_feature(thread_sanitizer);
#else
    return false;
#endif
}

TEST(test_confine)
{
    if (has_other_threads())
        skip();
    static const struct {
        int (*f)(void);
        bool needs_root;
    } cases[] = {
        {confine_changing_ids, true},    {confine_keeping_ids, true}, {confine_without_root, false},
        {confine_without_capset, false}, {confine_orphan, false},     {confine_in_vain, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int r = cases[i].needs_root && geteuid() != 0 ? 0 : in_child(cases[i].f);
        if (r != 0)
            fail_msg("case %zu: %d", i, r);
    }
}

// ---- the master --------------------------------------------------------------------------------

static bool capabilities_are(const char *key, uint64_t want)
{
    char text[32];
    snprintf(text, sizeof(text), "%016llx", (unsigned long long)want);
    return status_is(key, text);
}

#define BIT(capability) (UINT64_C(1) << (capability))

static const uint64_t basic = BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER) |
                              BIT(CAP_DAC_OVERRIDE);
static const uint64_t changing = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) |
                                 BIT(CAP_KILL);

static bool all_are(uint64_t want)
{
    return capabilities_are("CapPrm", want) && capabilities_are("CapEff", want) &&
           capabilities_are("CapBnd", want) && capabilities_are("CapInh", 0) &&
           capabilities_are("CapAmb", 0);
}

static int reduce_with_workers(void)
{
    return privs_reduce_master(&other) == 0 && all_are(basic | changing) &&
                   privs_reduce_master(&other) == 0 && confine_changing_ids() == 0
               ? 0
               : 1;
}

static int reduce_alone(void)
{
    const struct privs same = {.change_ids = false};
    return privs_reduce_master(&same) == 0 && all_are(basic) && setgid(1) < 0 ? 0 : 1;
}

static int reduce_without_root(void)
{
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
        return 1;
    return privs_reduce_master(&other) == 0 ? 0 : 2;
}

// Whether root can do all that a test expects of it: a container leaves capabilities out.
static bool is_full_root(void)
{
    for (int capability = 0; capability < 32; capability++)
        if (((basic | changing) & BIT(capability)) && prctl(PR_CAPBSET_READ, capability) != 1)
            return false;
    return geteuid() == 0;
}

TEST(test_reduce_master)
{
    if (has_other_threads())
        skip();
    assert_int_equal(in_child(reduce_without_root), 0);
    if (!is_full_root())
        skip();
    assert_int_equal(in_child(reduce_with_workers), 0);
    assert_int_equal(in_child(reduce_alone), 0);
}

// ---- limits ------------------------------------------------------------------------------------

static int raise_limits(void)
{
    struct rlimit limit = {64, 4096};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1;
    if (privs_raise_nofile(32) != 64) // never lowers
        return 2;
    if (privs_raise_nofile(1000) != 1000 || getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
        limit.rlim_cur != 1000 || limit.rlim_max != 4096)
        return 3;
    if (privs_raise_nofile(1000000) != 4096)
        return 4;
    return privs_raise_nofile(RLIM_INFINITY) == 4096 ? 0 : 5;
}

TEST(test_raise_nofile)
{
    assert_int_equal(in_child(raise_limits), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_resolve_no_such),
        cmocka_unit_test(test_resolve_what_one_is),
        cmocka_unit_test(test_remedy),
        cmocka_unit_test(test_resolve_without_root),
        cmocka_unit_test(test_resolve_nobody_in_particular),
        cmocka_unit_test(test_confine),
        cmocka_unit_test(test_reduce_master),
        cmocka_unit_test(test_raise_nofile),
    };
    return cmocka_run_group_tests_name("privs", tests, NULL, NULL);
}
