#include "support/confload.h"
#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/explain_worker.h"

#include <sys/stat.h>

static struct tempdir dir;
static struct generation *generation;

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "index.html", "x");
    const struct conf_override overrides[] = {{"sites", dir.path, "-o"},
                                              {"user", "nobody", "-o"},
                                              {"listen", "*:80", "-o"},
                                              {"listen", "*:81", "-o"},
                                              {"listen", "unix:@explain", "-o"}};
    const struct conf_source source = {.overrides = overrides,
                                       .override_count = ARRAY_SIZE(overrides)};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    generation = generation_new_idle(conf);
    assert_non_null(generation);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    generation_free(generation, NULL);
    tempdir_remove(&dir);
    return 0;
}

static void read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, text + len, size - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
}

TEST(test_answers)
{
    static const struct {
        struct explain_worker_question question;
        const char *want;
    } cases[] = {
        {{"127.0.0.1", 80, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on *:80\n"},
        {{"127.0.0.1", 81, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on *:81\n"},
        {{"127.0.0.1", 9, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on *:80\n"},
        {{"unix", 9, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on unix:@explain\n"},
        {{"::1", 80, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, "\n\nHTTP/1.1 200 OK\n"},
        {{"nobody", 80, SLICE("")}, "error 61\nthe request cannot be explained: explaining: "},
    };
    static char text[100000];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct child child;
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        assert_int_equal(fcntl(pair[0], F_SETFL, 0), 0);
        assert_int_equal(explain_worker_spawn(&child, generation, &cases[i].question,
                                              (struct explain_worker_fds){pair[1], -1}),
                         0);
        close(pair[1]);
        read_all(pair[0], text, sizeof(text));
        child_kill(&child);
        close(pair[0]);
        if (!strstr(text, cases[i].want))
            fail_msg("no \"%s\" in %s", cases[i].want, text);
    }
}

static unsigned count_children(const struct explain_workers *x)
{
    unsigned count = 0;
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        count += x->places[i].child.pid != 0;
    return count;
}

static void fill_socket(int fd)
{
    static const char block[4096];
    while (send(fd, block, sizeof(block), MSG_DONTWAIT) > 0)
        continue;
}

static void await_ends(const struct explain_workers *x)
{
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        poll(&(struct pollfd){.fd = x->places[i].child.pidfd, .events = POLLIN}, 1, -1);
}

// A place is free as soon as its process has ended, also before that was heard of.
TEST(test_places)
{
    const struct explain_worker_question question = {"::1", 80, SLICE("GET / HTTP/1.1\r\n\r\n")};
    struct explain_workers x;
    struct watches watches;
    int pair[2];
    assert_int_equal(watch_init(&watches), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fill_socket(pair[1]); // their answers find no room
    explain_worker_init(&x, &watches);
    for (int i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        assert_int_equal(explain_worker_start(&x, generation, &question, pair[1]), 0);
    assert_int_equal(explain_worker_start(&x, generation, &question, pair[1]), -EBUSY);
    close(pair[0]);
    await_ends(&x);
    assert_int_equal(explain_worker_start(&x, generation, &question, pair[1]), 0);
    assert_int_equal(count_children(&x), 1);
    while (count_children(&x))
        assert_true(watch_wait_ready(&watches, PATIENCE) > 0);
    assert_int_equal(explain_worker_start(&x, generation, &question, pair[1]), 0);
    explain_worker_cleanup(&x);
    assert_int_equal(count_children(&x), 0);
    close(pair[1]);
    watch_cleanup(&watches);
}

// Its stderr is read until it has ended.
TEST(test_words)
{
    const struct explain_worker_question question = {"::1", 80, SLICE("GET / HTTP/1.1\r\n\r\n")};
    struct explain_workers x;
    struct watches watches;
    struct stat own, its;
    char path[64];
    int pair[2];
    assert_int_equal(watch_init(&watches), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fill_socket(pair[1]);
    explain_worker_init(&x, &watches);
    assert_int_equal(explain_worker_start(&x, generation, &question, pair[1]), 0);
    struct explain_worker *w = &x.places[0];
    assert_int_equal(fstat(child_stderr_end(&w->words), &own), 0);
    snprintf(path, sizeof(path), "/proc/%d/fd/2", (int)w->child.pid);
    for (its.st_ino = 0; its.st_ino != own.st_ino; usleep(1000))
        if (stat(path, &its) < 0)
            skip(); // it is not dumpable, and this is not root
    close(pair[0]);
    while (count_children(&x))
        assert_true(watch_wait_ready(&watches, PATIENCE) > 0);
    assert_int_equal(child_stderr_end(&w->words), 0);
    close(pair[1]);
    watch_cleanup(&watches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_places), cmocka_unit_test(test_words)};
    return cmocka_run_group_tests_name("explain_worker", tests, setup, teardown);
}
