#include "process.h"

#include "cli/config.h"
#include "daemon/generation.h"
#include "sys/fdpass.h"
#include "server/channel.h"

static struct tempdir dir;
static struct poller poller;
static struct generation_maker maker;
static int saved_stderr;

static void fail_on_report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

// Two workers on the socket of `dir`, with up to two options of the test's.
static struct conf *make_conf(const char *a, const char *a_value, const char *b,
                              const char *b_value)
{
    char address[PATH_MAX + 8], path[PATH_MAX];
    snprintf(address, sizeof(address), "unix:%s", tempdir_path(&dir, "socket", path));
    struct conf_override overrides[6] = {{"sites", dir.path, "-"},
                                         {"listen", address, "-l"},
                                         {"workers", "2", "-o"},
                                         {"user", "root", "-o"}};
    const struct conf_override own[] = {{a, a_value, "-o"}, {b, b_value, "-o"}};
    size_t count = 4;
    for (size_t i = 0; i < ARRAY_SIZE(own) && own[i].option; i++) {
        size_t at = 0;
        while (at < count && strcmp(overrides[at].option, own[i].option) != 0)
            at++;
        overrides[at] = own[i];
        count = MAX(count, at + 1);
    }
    const struct conf_source source = {
        .overrides = overrides, .override_count = count, .checkers = config_checkers()};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "hello", "hello");
    saved_stderr = redirect_stderr(&dir);
    maker = (struct generation_maker){.poller = &poller, .keep_ids = true};
    assert_int_equal(fdpass_pair(maker.handoff), 0);
    return poller_init(&poller);
}

static int teardown(void **state)
{
    (void)state;
    restore_stderr(saved_stderr);
    close(maker.handoff[0]);
    close(maker.handoff[1]);
    poller_cleanup(&poller);
    tempdir_remove(&dir);
    return 0;
}

struct events {
    unsigned ready, complete, ended;
    bool deaf; // to those that become ready
};

// Handles what the poller tells, as the master does, until `enough` holds.
static void run_until(struct generation *g, struct events *e, bool (*enough)(const struct events *))
{
    struct poller_event events[POLLER_MAX_EVENTS];
    while (!enough(e)) {
        int count = poller_wait(&poller, events, PATIENCE);
        assert_true(count > 0);
        for (int i = 0; i < count; i++) {
            struct watch *w = events[i].source;
            struct channel_message m;
            int fd;
            assert_ptr_equal(w->generation, g);
            if (w->kind == WATCH_CHILD)
                e->ended += generation_worker_ended(g, w->number, 1000000);
            else if (!e->deaf && g->workers[w->number].child.pid &&
                     channel_receive(g->workers[w->number].child.channel, &m, &fd) > 0 &&
                     m.type == CHANNEL_READY) {
                e->ready++;
                e->complete += generation_worker_ready(g, w->number, 0);
            } else {
                poller_remove(&poller, g->workers[w->number].child.channel);
            }
        }
    }
}

static bool two_ready(const struct events *e)
{
    return e->ready == 2;
}

static bool three_ready(const struct events *e)
{
    return e->ready == 3;
}

static bool one_ended(const struct events *e)
{
    return e->ended == 1;
}

static bool two_ended(const struct events *e)
{
    return e->ended == 2;
}

static bool three_ended(const struct events *e)
{
    return e->ended == 3;
}

static struct generation *start(struct conf *conf, struct events *e)
{
    bool usable;
    struct generation *g = generation_new(&maker, 1, conf, NULL, &usable);
    assert_non_null(g);
    assert_int_equal(g->phase, GENERATION_STARTING);
    assert_int_equal(g->worker_count, 2);
    assert_int_equal(g->alive, 0);
    assert_int_equal(generation_next(g), 0);
    generation_do_due(g, 0);
    assert_int_equal(g->alive, 2);
    assert_int_equal(generation_next(g), g->deadline); // they do not have for ever
    *e = (struct events){0};
    return g;
}

static uint64_t requests_of(const struct generation *g)
{
    struct totals_report r;
    totals_begin(&maker.totals, &r);
    totals_add(&r, &g->scoreboard);
    totals_finish(&maker.totals, &r);
    return r.counts.requests;
}

static void test_life(void **state)
{
    struct events e;
    (void)state;
    size_t fds = count_fds();
    struct generation *g = start(make_conf(NULL, NULL, NULL, NULL), &e);
    run_until(g, &e, two_ready);
    assert_int_equal(e.complete, 1);
    g->phase = GENERATION_CURRENT;
    assert_fetched(&dir, "/hello", "hello");

    assert_int_equal(requests_of(g), 1);

    // One that served for a while is replaced at once.
    pid_t pid = g->workers[1].child.pid;
    kill(pid, SIGKILL);
    run_until(g, &e, one_ended);
    assert_int_equal(g->alive, 1);
    assert_true(log_has(&dir, "worker 1 of generation 1 (pid "));
    assert_true(log_has(&dir, ") was killed by signal 9 (Killed)"));
    assert_int_equal(generation_next(g), 1000000);
    generation_do_due(g, 999999);
    assert_int_equal(g->alive, 1);
    generation_do_due(g, 1000000);
    assert_int_equal(g->alive, 2);
    assert_int_not_equal(g->workers[1].child.pid, pid);
    run_until(g, &e, three_ready);
    assert_int_equal(e.complete, 1); // only the first time
    assert_fetched(&dir, "/hello", "hello");
    assert_int_equal(requests_of(g), 2); // whoever it was that has died

    generation_end(g, NULL, 5000);
    assert_int_equal(g->phase, GENERATION_ENDING);
    assert_int_equal(generation_next(g), 5000 + 30000 + 2000);
    run_until(g, &e, three_ended);
    assert_int_equal(g->alive, 0);
    assert_int_equal(requests_of(g), 2);
    generation_do_due(g, 10000000); // nobody is replaced any more
    assert_int_equal(g->alive, 0);
    generation_free(g, NULL);
    assert_int_equal(connect_to(&dir), -ENOENT);
    assert_int_equal(count_fds(), fds);
}

// Workers that die before they are ready are tried again later and later.
static void test_backoff(void **state)
{
    static const int64_t delays[] = {100, 200, 400};
    struct events e;
    (void)state;
    struct generation *g = start(make_conf(NULL, NULL, NULL, NULL), &e);
    g->phase = GENERATION_CURRENT; // as if workers began to fail later
    for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
        e = (struct events){.deaf = true};
        generation_kill(g);
        run_until(g, &e, two_ended);
        assert_int_equal(e.ready, 0);
        assert_int_equal(generation_next(g), 1000000 + delays[i]);
        generation_do_due(g, 1000000 + delays[i] - 1);
        assert_int_equal(g->alive, 0);
        generation_do_due(g, 1000000 + delays[i]);
        assert_int_equal(g->alive, 2);
    }
    generation_end(g, NULL, 0);
    generation_kill(g);
    e = (struct events){0};
    run_until(g, &e, two_ended);
    generation_free(g, NULL);
}

static void test_kill(void **state)
{
    struct events e;
    (void)state;
    struct generation *g = start(make_conf(NULL, NULL, NULL, NULL), &e);
    generation_end(g, NULL, 0);
    generation_kill(g);
    run_until(g, &e, two_ended);
    assert_int_equal(g->alive, 0);
    generation_kill(g); // nobody is left to be hit
    generation_free(g, NULL);
}

// A successor shares the sockets; when its setting up fails, all is as before.
static void test_successor(void **state)
{
    struct events e;
    (void)state;
    size_t fds = count_fds();
    struct generation *g = start(make_conf(NULL, NULL, NULL, NULL), &e);
    run_until(g, &e, two_ready);
    g->phase = GENERATION_CURRENT;
    size_t fds_serving = count_fds();
    static const char *const bad[][2] = {{"listen", "unix:/nonexistent/socket"},
                                         {"sites", "/nonexistent/root"},
                                         {"log.access", "/nonexistent/log"}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct conf *conf = make_conf(bad[i][0], bad[i][1], NULL, NULL);
        bool usable;
        assert_null(generation_new(&maker, 2, conf, g, &usable));
        assert_int_equal(usable, i == 0); // a socket is not the configuration's matter
        assert_int_equal(count_fds(), fds_serving);
        assert_fetched(&dir, "/hello", "hello");
    }
    bool usable;
    struct generation *next = generation_new(&maker, 2, make_conf("workers", "1", NULL, NULL), g,
                                             &usable);
    assert_non_null(next);
    generation_end(g, next, 0);
    run_until(g, &e, two_ended);
    generation_free(g, next); // the socket's file stays
    struct events of_next = {.ready = 1};
    generation_do_due(next, 0);
    run_until(next, &of_next, two_ready);
    assert_int_equal(of_next.complete, 1);
    assert_fetched(&dir, "/hello", "hello");
    generation_end(next, NULL, 0);
    generation_kill(next);
    run_until(next, &of_next, one_ended);
    generation_free(next, NULL);
    assert_int_equal(count_fds(), fds);
}

static void test_reopen_log(void **state)
{
    char path[PATH_MAX], moved[PATH_MAX], text[4096];
    struct events e;
    (void)state;
    tempdir_path(&dir, "access", path);
    struct generation *g = start(make_conf("log.access", path, NULL, NULL), &e);
    run_until(g, &e, two_ready);
    assert_int_equal(rename(path, tempdir_path(&dir, "moved", moved)), 0);
    generation_reopen_log(g);
    usleep(50000); // nothing says when the workers have heard of it
    assert_fetched(&dir, "/hello", "hello");
    generation_end(g, NULL, 0);
    run_until(g, &e, two_ended);
    assert_int_equal(tempdir_read(&dir, "moved", text, sizeof(text)), 0);
    assert_true(tempdir_read(&dir, "access", text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "\"GET /hello HTTP/1.1\" 200 5 "));
    generation_free(g, NULL);
}

static void test_check(void **state)
{
    static const struct {
        const char *option, *value, *says; // NULL: good
    } cases[] = {
        {NULL, NULL, NULL},
        {"sites", "/nonexistent/root",
         "root \"/nonexistent/root\" cannot be opened: No such file or directory"},
        {"log.access", "/nonexistent/log", "the access log \"/nonexistent/log\" cannot be opened"},
        {"listen", "unix:@a", NULL},
    };
    (void)state;
    size_t fds = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct conf *conf = make_conf(cases[i].option, cases[i].value, NULL, NULL);
        assert_int_equal(generation_check(conf, false, NULL), !cases[i].says);
        if (cases[i].says)
            assert_true(log_has(&dir, cases[i].says));
        conf_free(conf);
        assert_int_equal(count_fds(), fds);
    }
    if (geteuid() == 0) {
        struct conf *conf = make_conf("user", "no-such-user", "log.access", "/nonexistent/log2");
        assert_false(generation_check(conf, false, NULL));
        assert_true(log_has(&dir, "there is no user \"no-such-user\"; create it"));
        assert_true(log_has(&dir, "/nonexistent/log2")); // all that is wrong
        conf_free(conf);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backoff, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_successor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reopen_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, teardown),
    };
    return cmocka_run_group_tests_name("generation", tests, NULL, NULL);
}
