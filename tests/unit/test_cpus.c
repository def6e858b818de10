#include "support/tempdir.h"
#include "support/unit.h"

#include "sys/cpus.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(test_quota)
{
    static const struct {
        const char *text;
        unsigned cpus;
    } cases[] = {
        {"max 100000\n", 0},
        {"100000 100000\n", 1},
        {"100001 100000\n", 2},
        {"150000 100000", 2},
        {"400000 100000\n", 4},
        {"1 100000\n", 1},
        {"0 100000\n", 1},
        {"1000 1000000\n", 1},
        {"18446744073709551615 1", UINT_MAX},
        {"18446744073709551616 1", 0},
        {"100000 0\n", 0},
        {"100000\n", 0},
        {"-1 100000\n", 0},
        {"", 0},
        {"\n", 0},
        {"a b", 0},
        {"100000  100000", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (cpus_of_quota(cases[i].text) != cases[i].cpus)
            fail_msg("\"%s\": %u", cases[i].text, cpus_of_quota(cases[i].text));
}

// ---- made-up trees
// -------------------------------------------------------------------------------

static struct tempdir dir;

static int setup(void **state)
{
    (void)state;
    tempdir_enter(&dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_leave(&dir);
    return 0;
}

static void put_file(const char *path, const char *content)
{
    char parent[256];
    snprintf(parent, sizeof(parent), "%s", path);
    for (char *slash = strchr(parent, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(parent, 0755);
        *slash = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

static unsigned quota_for(const char *cgroups, const char *tree)
{
    put_file("cgroup", cgroups);
    return cpus_find_quota("cgroup", tree);
}

TEST(test_v2)
{
    put_file("v2/cpu.stat", "");
    put_file("v2/system.slice/cpu.max", "300000 100000\n");
    put_file("v2/system.slice/tined.service/cpu.max", "max 100000\n");
    put_file("v2/system.slice/tined.service/sub/cpu.max", "800000 100000\n");
    put_file("v2/user.slice/cpu.max", "max 100000\n");
    put_file("v2/user.slice/a/cpu.max", "50000 100000\n");
    assert_int_equal(quota_for("0::/system.slice/tined.service\n", "v2"), 3);
    assert_int_equal(quota_for("0::/system.slice/tined.service/sub\n", "v2"), 3);
    assert_int_equal(quota_for("0::/system.slice/tined.service/no/such\n", "v2"), 3);
    assert_int_equal(quota_for("0::/user.slice\n", "v2"), 0);
    assert_int_equal(quota_for("0::/user.slice/a\n", "v2"), 1);
    assert_int_equal(quota_for("0::/\n", "v2"), 0);
    assert_int_equal(quota_for("0::/../..\n", "v2"), 0);
    // A container sees its own group as the root.
    put_file("v2/cpu.max", "200000 100000\n");
    assert_int_equal(quota_for("0::/\n", "v2"), 2);
    assert_int_equal(quota_for("0::/docker/0123\n", "v2"), 2);
}

TEST(test_v1)
{
    static const char cgroups[] = "12:cpuset:/\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a\n0::/a\n";
    put_file("v1/cpu/cpu.cfs_quota_us", "-1\n");
    put_file("v1/cpu/cpu.cfs_period_us", "100000\n");
    put_file("v1/cpu/a/cpu.cfs_quota_us", "250000\n");
    put_file("v1/cpu/a/cpu.cfs_period_us", "100000\n");
    put_file("v1/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put_file("v1/cpu/a/b/cpu.cfs_period_us", "100000\n");
    put_file("v1/cpuset/cpu.cfs_quota_us", "1\n");
    assert_int_equal(quota_for(cgroups, "v1"), 3);
    assert_int_equal(quota_for("4:cpuacct,cpu:/\n", "v1"), 0);
    assert_int_equal(quota_for("4:cpuset:/a\n", "v1"), 0);
}

TEST(test_what_cannot_be_read_does_not_limit)
{
    assert_int_equal(cpus_find_quota("missing", "v2"), 0);
    assert_int_equal(quota_for("0::/a\n", "missing"), 0);
    assert_int_equal(quota_for("", "v2"), 0);
    assert_int_equal(quota_for("nonsense\n", "v2"), 0);
    assert_int_equal(quota_for("0:\n", "v2"), 0);
    put_file("broken/cpu.max", "");
    assert_int_equal(quota_for("0::/\n", "broken"), 0);
}

// ---- the real machine
// ------------------------------------------------------------------------------

TEST(test_affinity_limits)
{
    cpu_set_t mask;
    assert_int_equal(sched_getaffinity(0, sizeof(mask), &mask), 0);
    assert_in_range(cpus_usable(), 1, CPU_COUNT(&mask));
    pid_t pid = fork();
    if (pid == 0) {
        int first = 0;
        while (!CPU_ISSET(first, &mask))
            first++;
        CPU_ZERO(&mask);
        CPU_SET(first, &mask);
        _exit(sched_setaffinity(0, sizeof(mask), &mask) == 0 && cpus_usable() == 1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_v1),
        cmocka_unit_test(test_what_cannot_be_read_does_not_limit),
        cmocka_unit_test(test_affinity_limits),
    };
    return cmocka_run_group_tests_name("cpus", tests, setup, teardown);
}
