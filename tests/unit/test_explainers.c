#include "process.h"

#include "cli/config.h"
#include "daemon/explainers.h"

static struct tempdir dir;
static struct generation *generation;

static void report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

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
                                       .override_count = ARRAY_SIZE(overrides),
                                       .checkers = config_checkers()};
    struct conf *conf = conf_load(&source, report, NULL);
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

static void test_answers(void **state)
{
    static const struct {
        struct explainers_question question;
        const char *want;
    } cases[] = {
        {{"127.0.0.1", 80, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on *:80\\n"},
        {{"127.0.0.1", 81, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on *:81\\n"},
        {{"127.0.0.1", 9, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on *:80\\n"},
        {{"unix", 9, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, " on unix:@explain\\n"},
        {{"::1", 80, SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, "\\n\\nHTTP/1.1 200 OK\\n"},
        {{"nobody", 80, SLICE("")}, "{\"error\": \"the request cannot be explained: explaining: "},
    };
    static char text[100000];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct child child;
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        assert_int_equal(fcntl(pair[0], F_SETFL, 0), 0);
        assert_int_equal(explainers_spawn(&child, generation, &cases[i].question, pair[1]), 0);
        close(pair[1]);
        read_all(pair[0], text, sizeof(text));
        child_kill(&child);
        close(pair[0]);
        if (!strstr(text, cases[i].want))
            fail_msg("no \"%s\" in %s", cases[i].want, text);
    }
}

// The children write nothing that is read: they go on until they are killed.
static void test_slots(void **state)
{
    const struct explainers_question question = {"::1", 80, SLICE("GET / HTTP/1.1\r\n\r\n")};
    struct explainers x;
    struct poller poller;
    struct poller_event events[POLLER_MAX_EVENTS];
    int pair[2], left = EXPLAINERS_MAX;
    (void)state;
    assert_int_equal(poller_init(&poller), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    explainers_init(&x, &poller);
    for (int i = 0; i < EXPLAINERS_MAX; i++)
        assert_int_equal(explainers_start(&x, generation, &question, pair[1]), 0);
    assert_int_equal(explainers_start(&x, generation, &question, pair[1]), -EBUSY);
    assert_int_equal(explainers_next(&x), -1);
    while (left) {
        int count = poller_wait(&poller, events, PATIENCE);
        assert_true(count > 0);
        for (int i = 0; i < count; i++, left--) {
            const struct watch *w = events[i].source;
            assert_int_equal(w->kind, WATCH_EXPLAINER);
            explainers_ended(&x, w->number, 1000);
            explainers_ended(&x, w->number, 1000); // harmless
        }
    }
    // One that lives is only looked at again later.
    assert_int_equal(explainers_start(&x, generation, &question, pair[1]), 0);
    kill(x.slots[0].child.pid, SIGSTOP);
    explainers_ended(&x, 0, 1000);
    if (x.slots[0].child.pid) {
        assert_int_equal(explainers_next(&x), 1050);
        explainers_do_due(&x, 1049);
        assert_int_equal(explainers_next(&x), 1050);
    }
    explainers_cleanup(&x);
    assert_int_equal(x.slots[0].child.pid, 0);
    close(pair[0]);
    close(pair[1]);
    poller_cleanup(&poller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers),
                                       cmocka_unit_test(test_slots)};
    return cmocka_run_group_tests_name("explainers", tests, setup, teardown);
}
