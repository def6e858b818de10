#include "support/tempdir.h"
#include "support/unit.h"

#include "server/worker_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct tempdir dir;

// Whether a process in the sandbox can open what is not in the site.
static bool reads_elsewhere(struct sandbox *s)
{
    const char *what;
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_enter(s, NULL, &what) < 0)
            _exit(2);
        _exit(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

// Links that may lead anywhere, of a site or of a rule, take the reading everywhere.
TEST(test_worker)
{
    static const struct {
        enum sandbox_mode landlock;
        enum symlinks site, rule;
        bool elsewhere;
    } cases[] = {
        {SANDBOX_ENFORCE, SYMLINKS_BENEATH, SYMLINKS_UNSET, false},
        {SANDBOX_ENFORCE, SYMLINKS_NONE, SYMLINKS_BENEATH, false},
        {SANDBOX_ENFORCE, SYMLINKS_ANY, SYMLINKS_UNSET, true},
        {SANDBOX_ENFORCE, SYMLINKS_BENEATH, SYMLINKS_ANY, true},
        {SANDBOX_LOG, SYMLINKS_BENEATH, SYMLINKS_UNSET, true},
        {SANDBOX_OFF, SYMLINKS_BENEATH, SYMLINKS_UNSET, true},
    };
    char pattern[] = "/**", *match[] = {pattern};
    if (sandbox_landlock_abi() < 0)
        skip();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct conf_rule rule = {.match = {match, 1}, .symlinks = cases[i].rule};
        struct conf_site site = {.root = dir.path, .symlinks = cases[i].site};
        const struct conf conf = {.sites = &site,
                                  .site_count = 1,
                                  .rules = &rule,
                                  .rule_count = 1,
                                  .sandbox = {cases[i].landlock, SANDBOX_OFF}};
        struct sites_failure failed;
        struct sites sites;
        struct sandbox s;
        assert_int_equal(sites_open(&sites, &conf, &failed), 0);
        assert_int_equal(worker_sandbox_make(&s, &conf, &sites), 0);
        assert_int_equal(reads_elsewhere(&s), cases[i].elsewhere);
        sandbox_cleanup(&s);
        sites_close(&sites);
    }
}

TEST(test_explainer)
{
    const struct conf conf = {.sandbox = {SANDBOX_ENFORCE, SANDBOX_ENFORCE}};
    struct sandbox s;
    assert_int_equal(worker_sandbox_make_explain(&s, &conf), 0);
    assert_null(s.filter);
    assert_int_equal(s.ruleset >= 0, sandbox_landlock_abi() > 0);
    assert_true(reads_elsewhere(&s));
    sandbox_cleanup(&s);
}

TEST(test_sentences)
{
    static const struct {
        struct sandbox sandbox;
        const char *landlock, *seccomp;
    } cases[] = {
        {{.landlock_abi = 4}, "Landlock (ABI 4) keeps workers to reading beneath", "seccomp keeps"},
        {{.landlock_abi = 4, .reads_all = true},
         "Landlock (ABI 4) keeps workers to reading files (anywhere",
         "seccomp keeps"},
        {{.landlock = SANDBOX_LOG, .seccomp = SANDBOX_LOG, .landlock_abi = 7},
         "Landlock (ABI 7) would keep",
         "seccomp only logs"},
        {{.landlock = SANDBOX_OFF, .seccomp = SANDBOX_OFF},
         "Landlock is off: sandbox.landlock",
         "seccomp is off: sandbox.seccomp"},
        {{.landlock_abi = -EOPNOTSUPP, .seccomp_error = -EPERM},
         "Landlock is missing",
         "seccomp is missing"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[512] = "";
        struct buf b = buf_make(text, sizeof(text) - 1);
        worker_sandbox_describe_landlock(&b, &cases[i].sandbox);
        assert_memory_equal(text, cases[i].landlock, strlen(cases[i].landlock));
        b = buf_make(text, sizeof(text) - 1);
        memset(text, 0, sizeof(text));
        worker_sandbox_describe_seccomp(&b, &cases[i].sandbox);
        assert_memory_equal(text, cases[i].seccomp, strlen(cases[i].seccomp));
        assert_false(b.overflow);
    }
}

static int set_up(void **state)
{
    (void)state;
    tempdir_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker),
        cmocka_unit_test(test_explainer),
        cmocka_unit_test(test_sentences),
    };
    return cmocka_run_group_tests_name("worker_sandbox", tests, set_up, tear_down);
}
