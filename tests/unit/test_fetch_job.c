#include "support/tempdir.h"

#include "daemon/child.h"
#include "daemon/fetch_job.h"

#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

static struct tempdir dir;
static char paths[8][PATH_MAX];

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "file", "content");
    tempdir_mkdir(&dir, "root");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

static const char *path_of(unsigned number, const char *name)
{
    return tempdir_path(&dir, name, paths[number]);
}

// `limit` is of descriptors, for the parent.
static void fetch_within(struct fetched *f, const struct rlimit *limit)
{
    struct child child;
    int status;
    assert_int_equal(child_spawn(&child, fetch_job_run, f, NULL, 0), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, limit), 0);
    do
        poll(&(struct pollfd){.fd = child.channel, .events = POLLIN}, 1, -1);
    while (fetch_job_receive(child.channel, f));
    poll(&(struct pollfd){.fd = child.pidfd, .events = POLLIN}, 1, -1);
    assert_int_equal(child_reap(&child, &status), 0);
    assert_int_equal(status, 0);
    child_close(&child);
}

static void fetch(struct fetched *f)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    fetch_within(f, &limit);
}

TEST(test_each_kind)
{
    struct fetched f = {.conf = NULL};
    struct file_identity root;
    char text[16] = "";
    size_t fds = count_fds();
    fetched_add(&f, FETCHED_ROOT, path_of(0, "root"));
    fetched_add(&f, FETCHED_LOOK, paths[0]);
    fetched_add(&f, FETCHED_FILE, path_of(1, "file"));
    fetched_add(&f, FETCHED_LOG, path_of(2, "log"));
    fetched_add(&f, FETCHED_LOG_CHECK, path_of(3, "other"));
    fetch(&f);
    assert_int_equal(f.pending, 0);
    for (size_t i = 0; i < f.count; i++)
        assert_int_equal(f.items[i].error, 0);
    assert_int_equal(rootfs_stat_path(paths[0], &root), 0);
    for (size_t i = 0; i < 2; i++)
        assert_true(f.items[i].dev == root.dev && f.items[i].inode == root.inode);
    assert_true(f.items[0].fd >= 0 && f.items[0].is_local);
    assert_string_equal(f.items[0].real, paths[0]);
    assert_int_equal(f.items[1].fd, -1);
    assert_int_equal(read(f.items[2].fd, text, sizeof(text)), 7);
    assert_string_equal(text, "content");
    assert_int_equal(write(f.items[3].fd, "line\n", 5), 5);
    assert_int_equal(access(paths[2], F_OK), 0);
    assert_int_equal(access(paths[3], F_OK), -1);
    for (size_t i = 0; i < f.count; i++)
        assert_true(f.items[i].fd < 0 || fcntl(f.items[i].fd, F_GETFD) == FD_CLOEXEC);
    fetched_cleanup(&f);
    assert_int_equal(count_fds(), fds);
}

TEST(test_failures)
{
    static const struct {
        enum fetched_kind kind;
        const char *name;
        int error;
    } cases[] = {
        {FETCHED_ROOT, "none", -ENOENT},          {FETCHED_ROOT, "file", -ENOTDIR},
        {FETCHED_LOOK, "none", -ENOENT},          {FETCHED_FILE, "none", -ENOENT},
        {FETCHED_FILE, "root", -EINVAL},          {FETCHED_LOG, "none/log", -ENOENT},
        {FETCHED_LOG_CHECK, "none/log", -ENOENT},
    };
    struct fetched f = {.conf = NULL};
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        fetched_add(&f, cases[i].kind, path_of(i, cases[i].name));
    fetch(&f);
    for (size_t i = 0; i < f.count; i++)
        assert_int_equal(f.items[i].error, cases[i].error);
    fetched_cleanup(&f);
}

TEST(test_user)
{
    static char user[] = "no-such-user", group[] = "no-such-group", nobody[] = "nobody";
    struct conf conf = {.user = user, .group = group};
    struct fetched f = {.conf = &conf};
    if (geteuid() != 0)
        skip();
    fetched_add(&f, FETCHED_USER, user);
    fetch(&f);
    assert_int_equal(f.items[0].error, -ENOENT);
    assert_string_equal(f.unknown, "user");
    fetched_cleanup(&f);
    conf.user = nobody;
    fetched_add(&f, FETCHED_USER, nobody);
    fetch(&f);
    assert_int_equal(f.items[0].error, -ENOENT);
    assert_string_equal(f.unknown, "group");
    fetched_cleanup(&f);
    conf.group = NULL;
    fetched_add(&f, FETCHED_USER, nobody);
    fetch(&f);
    assert_int_equal(f.items[0].error, 0);
    assert_true(f.privs.change_ids && f.privs.uid != 0);
    fetched_cleanup(&f);
}

// Those that come without one are taken all the same, and the child can go on.
TEST(test_without_a_free_descriptor)
{
    struct fetched f = {.conf = NULL};
    struct rlimit all;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
    fetched_add(&f, FETCHED_ROOT, path_of(0, "root"));
    fetched_add(&f, FETCHED_LOOK, paths[0]);
    fetch_within(&f, &(struct rlimit){3, all.rlim_max});
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
    assert_int_equal(f.items[0].error, FETCHED_PENDING);
    assert_int_equal(f.items[1].error, 0);
    assert_true(f.is_short);
    fetched_cleanup(&f);
}

// More than the channel holds at one time.
TEST(test_many)
{
    struct fetched f = {.conf = NULL};
    path_of(0, "root");
    for (unsigned i = 0; i < 3000; i++)
        fetched_add(&f, i % 100 ? FETCHED_LOOK : FETCHED_ROOT, paths[0]);
    fetch(&f);
    for (size_t i = 0; i < f.count; i++)
        assert_int_equal(f.items[i].error, 0);
    fetched_cleanup(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind), cmocka_unit_test(test_failures),
        cmocka_unit_test(test_user),      cmocka_unit_test(test_without_a_free_descriptor),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests_name("fetch_job", tests, setup, teardown);
}
