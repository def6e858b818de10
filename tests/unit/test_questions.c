#include "support/tempdir.h"

#include "content/questions.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>

static struct tempdir dir;
static struct conf_site site_conf = {.root = dir.path, .mount_count = 1};
static char mount_path[] = "/mount/";
static struct conf_mount mount = {.path = mount_path, .root = dir.path};
static struct conf conf = {
    .sites = &site_conf, .site_count = 1, .mounts = &mount, .mount_count = 1};
static struct sites sites;
static struct mimetable types;
static struct questions q;
static struct file_moment moment;

static int setup(void **state)
{
    struct sites_failure failed;
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "a.txt", "one");
    tempdir_fill(&dir, "large", CACHED_FILE_BODY_MAX + 1);
    tempdir_mkdir(&dir, "sub");
    assert_int_equal(sites_open(&sites, &conf, &failed), 0);
    sites.items[0].trees[0].is_local = false;
    assert_int_equal(questions_init(&q, &sites, &types), 0);
    moment = (struct file_moment){1, time(NULL) + 1000};
    q.turn.since = moment.group;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_null(questions_end(&q));
    questions_cleanup(&q);
    sites_close(&sites);
    tempdir_remove(&dir);
    return 0;
}

static struct file_key key_of_path(const char *path)
{
    return (struct file_key){
        .site = &sites.items[0], .tree = &sites.items[0].trees[0], .path = slice_of(path)};
}

// Another request comes.
static void begin_request(void)
{
    q.turn = (struct question_turn){.since = ++moment.group};
}

static void await_answers_of(const struct question_fs *fs)
{
    while (fs->open > 0) {
        assert_int_equal(poll(&(struct pollfd){.fd = q.fd, .events = POLLIN}, 1, 10000), 1);
        q.fs[0].waiting = 1; // or all is forgotten
        questions_take(&q);
        q.fs[0].waiting = 0;
    }
}

static void await_answers(void)
{
    await_answers_of(&q.fs[0]);
}

static int ask_file(const char *path, struct cached_file *known, const struct question **ret)
{
    const struct file_key key = key_of_path(path);
    return questions_file(&q, &key, known, &moment, ret);
}

static const struct question *get_file(const char *path, struct cached_file *known)
{
    const struct question *one = NULL;
    assert_int_equal(ask_file(path, known, &one), -EINPROGRESS);
    assert_non_null(q.turn.awaited);
    await_answers();
    assert_int_equal(ask_file(path, known, &one), 0);
    return one;
}

TEST(test_files)
{
    const struct question *one = get_file("a.txt", NULL);
    assert_int_equal(one->error, 0);
    assert_memory_equal(one->own->body, "one", 3);
    assert_true(one->is_lasting && !one->is_known && !one->is_swapped);
    one = get_file("large", NULL);
    assert_non_null(one->own->far);
    assert_null(one->own->body);
    assert_int_equal(get_file("none", NULL)->error, -ENOENT);
    assert_int_equal(get_file("sub", NULL)->error, -EISDIR);
}

TEST(test_directories)
{
    static const struct {
        const char *path;
        int want;
    } cases[] = {{"", 0}, {"sub", 0}, {"a.txt", -ENOTDIR}, {"none", -ENOENT}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct file_key key = key_of_path(cases[i].path);
        assert_int_equal(questions_directory(&q, &key, &moment), -EINPROGRESS);
        await_answers();
        assert_int_equal(questions_directory(&q, &key, &moment), cases[i].want);
    }
}

// Each request is told of what is there after it came.
TEST(test_edits)
{
    struct cached_file *before = get_file("a.txt", NULL)->own;
    before->references++;
    begin_request();
    const struct question *one = get_file("a.txt", before);
    assert_true(one->is_known);
    assert_ptr_equal(one->known, before);
    tempdir_puts(&dir, "a.txt", "three");
    begin_request();
    one = get_file("a.txt", before);
    assert_false(one->is_known);
    assert_memory_equal(one->own->body, "three", 5);
    cached_file_release(before);
}

// A request that has waited for one file system asks another one, where it does not count.
TEST(test_two_file_systems)
{
    const struct question *one;
    questions_end(&q);
    questions_cleanup(&q);
    sites.items[0].trees[1].is_local = false;
    sites.items[0].trees[1].dev++; // as if it were one
    assert_int_equal(questions_init(&q, &sites, &types), 0);
    begin_request();
    assert_int_equal(q.fs_count, 2);
    assert_int_equal(get_file("none", NULL)->error, -ENOENT);
    const struct file_key page = {
        .site = &sites.items[0], .tree = &sites.items[0].trees[1], .path = SLICE("a.txt")};
    assert_int_equal(questions_file(&q, &page, NULL, &moment, &one), -EINPROGRESS);
    await_answers_of(&q.fs[1]);
    assert_int_equal(questions_file(&q, &page, NULL, &moment, &one), 0);
    assert_memory_equal(one->own->body, "one", 3);
    assert_int_equal(ask_file("none", NULL, &one), 0); // both count when it is answered
    questions_forget(&q);
    assert_int_equal(q.fs[0].answered_count + q.fs[1].answered_count, 0);
}

static sem_t permits, begun;

static void hang(struct askers_job *job)
{
    (void)job;
    sem_post(&begun);
    sem_wait(&permits);
}

// All threads hang until let_go().
static void hold(void)
{
    static struct askers_job jobs[ASKERS_THREADS];
    sem_init(&permits, 0, 0);
    sem_init(&begun, 0, 0);
    for (size_t i = 0; i < ASKERS_THREADS; i++) {
        jobs[i] = (struct askers_job){.run = hang};
        askers_submit(q.fs[0].askers, &jobs[i]);
        sem_wait(&begun);
    }
}

static void let_go(void)
{
    for (size_t i = 0; i < ASKERS_THREADS; i++)
        sem_post(&permits);
}

TEST(test_limits)
{
    const struct question *one;
    char name[16];
    hold();
    for (unsigned i = 0; i < QUESTIONS_WAITING; i++) {
        snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(ask_file(name, NULL, &one), -EINPROGRESS);
    }
    assert_int_equal(ask_file("a.txt", NULL, &one), -EBUSY);
    begin_request(); // it shares the question, which nobody has begun with
    assert_int_equal(ask_file("0", NULL, &one), -EINPROGRESS);
    assert_int_equal(q.fs[0].open, QUESTIONS_WAITING);
    q.fs[0].waiting = QUESTIONS_WAITING;
    begin_request();
    assert_int_equal(ask_file("0", NULL, &one), -EBUSY);
    q.turn.waits = true; // it is one of those
    assert_int_equal(ask_file("0", NULL, &one), -EINPROGRESS);
    q.turn.is_late = true;
    assert_int_equal(ask_file("0", NULL, &one), -ETIMEDOUT);
    q.fs[0].waiting = 0;
    let_go();
    await_answers();
}

// A thread that hangs is named, and all that it uses stays until it is back.
TEST(test_the_end)
{
    const struct question *one;
    hold();
    assert_int_equal(ask_file("a.txt", NULL, &one), -EINPROGRESS);
    assert_string_equal(questions_end(&q), dir.path);
    questions_cleanup(&q);
    let_go();
}

TEST(test_local_trees_need_none)
{
    struct questions none;
    sites.items[0].trees[0].is_local = true;
    assert_int_equal(questions_init(&none, &sites, &types), 0);
    assert_int_equal(none.fd, -1);
    assert_null(questions_end(&none));
    questions_cleanup(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_file_systems, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_local_trees_need_none, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
