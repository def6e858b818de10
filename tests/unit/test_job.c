#include "support/tempdir.h"
#include "support/unit.h"

#include "precompress/job.h"
#include "sys/clock.h"

#include <errno.h>

static struct tempdir d;
static struct progress progress;
static int root;
static int64_t ahead; // of this test's clock, in s
static int calls;     // of the coding
static size_t output; // bytes that the coding writes
static void (*meanwhile)(void);

void __real_clock_read(struct clock *c);
void __wrap_clock_read(struct clock *c);

void __wrap_clock_read(struct clock *c)
{
    __real_clock_read(c);
    c->wall_s += ahead;
}

// Reads all, and writes as many bytes as the test wants.
static int fake_compress(const struct compressor_io *io, uint64_t size)
{
    char data[100];
    ssize_t n;
    calls++;
    (void)size;
    n = io->read(io->context, data, sizeof(data));
    if (meanwhile)
        meanwhile();
    while (n > 0)
        n = io->read(io->context, data, sizeof(data));
    memset(data, 'z', sizeof(data));
    for (size_t left = output; n == 0 && left; left -= MIN(left, sizeof(data)))
        n = io->write(io->context, data, MIN(left, sizeof(data)));
    return (int)n;
}

static const struct compressor coding = {CODING_GZIP, fake_compress};

static int setup(void **state)
{
    (void)state;
    tempdir_make(&d);
    root = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    progress_init(&progress, false, 0, 0);
    ahead = 3600;
    calls = 0;
    output = 500;
    meanwhile = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(root);
    progress_cleanup(&progress);
    tempdir_remove(&d);
    return 0;
}

static int run(const char *path, bool dry, uint64_t *size)
{
    const struct job_env env = {.root = root, .dry = dry, .progress = &progress};
    const struct job job = {.compressor = &coding, .path = (char *)(uintptr_t)path, .size = 1000};
    size_t fds = count_fds();
    int result = job_run(&job, &env, size);
    assert_int_equal(count_fds(), fds);
    return result;
}

static void set_time(const char *name, time_t s, long ns)
{
    const struct timespec times[] = {{s, ns}, {s, ns}};
    assert_int_equal(utimensat(root, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static bool exists(const char *name)
{
    struct stat st;
    return fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

// The names there are, but "." and "..".
static size_t count_entries(void)
{
    DIR *dir = opendir(d.path);
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

TEST(test_made)
{
    uint64_t size = 0;
    struct stat st;
    char got[2048];
    tempdir_fill(&d, "a.css", 1000);
    set_time("a.css", 1000000, 123456789);
    assert_int_equal(run("a.css", true, &size), JOB_MADE);
    assert_int_equal(count_entries(), 1); // dry
    assert_int_equal(run("a.css", false, &size), JOB_MADE);
    assert_int_equal(size, 500);
    assert_int_equal(tempdir_read(&d, "a.css.gz", got, sizeof(got)), 500);
    assert_int_equal(fstatat(root, "a.css.gz", &st, 0), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1000000);
    assert_int_equal(st.st_mtim.tv_nsec, 123456789);
    assert_int_equal(count_entries(), 2);
    assert_int_equal(run("a.css", false, &size), JOB_NOTHING); // fresh by now
    assert_int_equal(calls, 2);
    assert_int_equal(progress.done, 3000);
}

TEST(test_stale_is_replaced)
{
    uint64_t size;
    char got[2048];
    tempdir_fill(&d, "a.css", 1000);
    tempdir_puts(&d, "a.css.gz", "old");
    set_time("a.css", 1000, 1);
    set_time("a.css.gz", 1000, 0);
    assert_int_equal(run("a.css", false, &size), JOB_MADE);
    assert_int_equal(tempdir_read(&d, "a.css.gz", got, sizeof(got)), 500);
}

TEST(test_not_smaller)
{
    uint64_t size;
    tempdir_fill(&d, "a.css", 1000);
    set_time("a.css", 1000, 0);
    output = 951;
    assert_int_equal(run("a.css", false, &size), JOB_NOT_SMALLER);
    assert_int_equal(count_entries(), 1);
    tempdir_puts(&d, "a.css.gz", "old");
    assert_int_equal(run("a.css", false, &size), JOB_NOTHING); // not older, so not ours to judge
    assert_true(exists("a.css.gz"));
    set_time("a.css.gz", 999, 0);
    assert_int_equal(run("a.css", true, &size), JOB_REMOVED);
    assert_true(exists("a.css.gz"));
    assert_int_equal(run("a.css", false, &size), JOB_REMOVED);
    assert_int_equal(count_entries(), 1);
    output = 950;
    assert_int_equal(run("a.css", false, &size), JOB_MADE);
}

TEST(test_foreign_stays)
{
    uint64_t size;
    char path[PATH_MAX];
    tempdir_fill(&d, "a.css", 1000);
    assert_int_equal(symlink("nowhere", tempdir_path(&d, "a.css.gz", path)), 0);
    assert_int_equal(run("a.css", false, &size), JOB_NOTHING);
    assert_int_equal(run("gone.css", false, &size), JOB_NOTHING);
    assert_int_equal(run("gone/a.css", false, &size), JOB_NOTHING);
    assert_int_equal(calls, 0);
    assert_int_equal(symlink("a.css", tempdir_path(&d, "link.css", path)), 0);
    assert_int_equal(run("link.css", false, &size), -ELOOP);
    assert_int_equal(mkfifo(tempdir_path(&d, "fifo.css", path), 0600), 0);
    assert_int_equal(run("fifo.css", false, &size), JOB_NOTHING);
}

// ---- changes while it is read ------------------------------------------------------------------

static void append_once(void)
{
    if (calls == 1)
        tempdir_fill(&d, "a.css", 1100);
}

static void append_always(void)
{
    tempdir_fill(&d, "a.css", 1000 + (size_t)calls);
}

static void edit_once(void)
{
    if (calls == 1)
        set_time("a.css", 1001, 0); // of the same length
}

static void truncate_once(void)
{
    if (calls == 1)
        tempdir_fill(&d, "a.css", 900);
}

static void replace_once(void)
{
    if (calls > 1)
        return;
    tempdir_fill(&d, "new", 1000);
    assert_int_equal(renameat(root, "new", root, "a.css"), 0);
}

static void remove_once(void)
{
    assert_int_equal(unlinkat(root, "a.css", 0), 0);
}

static void put_newer(void)
{
    tempdir_puts(&d, "a.css.gz", "somebody's");
}

TEST(test_changes)
{
    static const struct {
        void (*meanwhile)(void);
        int want, calls;
        size_t entries;
    } cases[] = {
        {append_once, JOB_MADE, 2, 2},  {append_always, -ESTALE, 3, 1},
        {edit_once, JOB_MADE, 2, 2},    {truncate_once, JOB_MADE, 2, 2},
        {replace_once, JOB_MADE, 2, 2}, {remove_once, JOB_NOTHING, 1, 0},
        {put_newer, JOB_NOTHING, 1, 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t size;
        unlinkat(root, "a.css.gz", 0);
        tempdir_fill(&d, "a.css", 1000);
        set_time("a.css", 1000, 0);
        calls = 0;
        meanwhile = cases[i].meanwhile;
        assert_int_equal(run("a.css", false, &size), cases[i].want);
        assert_int_equal(calls, cases[i].calls);
        assert_int_equal(count_entries(), cases[i].entries);
    }
    char got[64];
    tempdir_read(&d, "a.css.gz", got, sizeof(got));
    assert_string_equal(got, "somebody's");
}

TEST(test_young_files_are_waited_for)
{
    uint64_t size;
    struct stat st;
    struct timespec now;
    ahead = 0;
    tempdir_fill(&d, "a.css", 1000);
    assert_int_equal(run("a.css", false, &size), JOB_MADE);
    assert_int_equal(fstatat(root, "a.css", &st, 0), 0);
    clock_gettime(CLOCK_REALTIME, &now);
    assert_true(now.tv_sec - st.st_mtim.tv_sec >= 2);
    set_time("a.css", now.tv_sec + 1000, 0);
    assert_int_equal(run("a.css", false, &size), -ERANGE);
}

TEST(test_explain)
{
    assert_string_equal(job_explain(-ENOSPC), "No space left on device");
    assert_string_equal(job_explain(-ESTALE), "it does not come to rest");
    assert_string_equal(job_explain(-ERANGE), "its modification time lies in the future");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_smaller, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_young_files_are_waited_for, setup, teardown),
        cmocka_unit_test(test_explain),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
