#include "support/confload.h"
#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/generation.h"
#include "daemon/handover.h"
#include "daemon/worker_process.h"
#include "server/accesslog.h"
#include "sys/fdpass.h"
#include "server/channel.h"

static struct tempdir dir;
static struct watches watches;
static struct generation_maker maker;
static int saved_stderr;

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
    const struct conf_source source = {.overrides = overrides, .override_count = count};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

struct events {
    unsigned ready, complete, ended;
    bool deaf; // to those that become ready
};

static struct events events;

static void on_message(void *context, struct worker_process *w,
                       const struct channel_message *message)
{
    (void)context;
    if (events.deaf || message->type != CHANNEL_STARTED)
        return;
    events.ready++;
    events.complete += generation_worker_ready(w, 0);
}

static void on_worker_end(void *context, struct worker_process *w)
{
    (void)context;
    assert_int_equal(w->child.pid, 0);
    handover_note_end(w);
    events.ended++;
}

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "hello", "hello");
    saved_stderr = redirect_stderr(&dir);
    maker = (struct generation_maker){
        .watches = &watches, .events = {on_message, on_worker_end, NULL}, .keep_ids = true};
    maker.handoff[0] = maker.handoff[1] = -1;
    handovers_init(&maker.handovers);
    assert_int_equal(watch_init(&watches), 0);
    watches.now = 1000000;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    restore_stderr(saved_stderr);
    handovers_cleanup(&maker.handovers);
    watch_cleanup(&watches);
    tempdir_remove(&dir);
    return 0;
}

static int64_t next_due(void)
{
    return timers_next(&watches.timers);
}

static void pass_to(int64_t now)
{
    timers_run(&watches.timers, watches.now = now);
}

static void run_until(bool (*enough)(const struct events *))
{
    while (!enough(&events))
        assert_true(watch_wait_ready(&watches, PATIENCE) > 0);
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

static struct generation *start(struct conf *conf)
{
    bool usable;
    struct generation *g = fetch_generation(&maker, 1, conf, NULL, &usable);
    assert_non_null(g);
    assert_int_equal(g->phase, GENERATION_STARTING);
    assert_int_equal(g->worker_count, 2);
    assert_int_equal(g->alive, 0);
    generation_start(g);
    assert_int_equal(g->alive, 2);
    assert_int_equal(next_due(), -1);
    events = (struct events){0};
    return g;
}

static uint64_t requests_of(const struct generation *g)
{
    struct totals_report r;
    totals_begin(&maker.totals, &r);
    totals_add(&r, &g->served.scoreboard);
    totals_finish(&maker.totals, &r);
    return r.counts.requests;
}

TEST(test_life)
{
    size_t fds = count_fds();
    struct generation *g = start(make_conf(NULL, NULL, NULL, NULL));
    run_until(two_ready);
    assert_int_equal(events.complete, 1);
    g->phase = GENERATION_CURRENT;
    assert_fetched(&dir, "/hello", "hello");

    assert_int_equal(requests_of(g), 1);

    // One that served for a while is replaced at once.
    pid_t pid = g->workers[1].child.pid;
    kill(pid, SIGKILL);
    run_until(one_ended);
    assert_int_equal(g->alive, 1);
    assert_true(log_has(&dir, "worker 1 of generation 1 (pid "));
    assert_true(log_has(&dir, ") was killed by signal 9 (Killed)"));
    assert_int_equal(next_due(), 1000000);
    pass_to(999999);
    assert_int_equal(g->alive, 1);
    pass_to(1000000);
    assert_int_equal(g->alive, 2);
    assert_int_not_equal(g->workers[1].child.pid, pid);
    run_until(three_ready);
    assert_int_equal(events.complete, 1); // only the first time
    assert_fetched(&dir, "/hello", "hello");
    assert_int_equal(requests_of(g), 2); // whoever it was that has died

    generation_end(g, NULL, 5000);
    assert_int_equal(g->phase, GENERATION_ENDING);
    assert_int_equal(next_due(), 5000 + 30000 + 2000);
    run_until(three_ended);
    assert_int_equal(g->alive, 0);
    assert_int_equal(requests_of(g), 2);
    pass_to(10000000); // nobody is replaced any more
    assert_int_equal(g->alive, 0);
    assert_int_equal(next_due(), -1);
    generation_free(g, NULL);
    assert_int_equal(next_due(), -1);
    assert_int_equal(connect_to(&dir), -ENOENT);
    assert_int_equal(count_fds(), fds);
}

TEST(test_kill)
{
    struct generation *g = start(make_conf(NULL, NULL, NULL, NULL));
    generation_end(g, NULL, 0);
    generation_kill(g);
    run_until(two_ended);
    assert_int_equal(g->alive, 0);
    generation_kill(g); // nobody is left to be hit
    generation_free(g, NULL);
}

// A successor shares the sockets; when its setting up fails, all is as before.
TEST(test_successor)
{
    size_t fds = count_fds();
    struct generation *g = start(make_conf(NULL, NULL, NULL, NULL));
    run_until(two_ready);
    g->phase = GENERATION_CURRENT;
    size_t fds_serving = count_fds();
    static const char *const bad[][2] = {{"listen", "unix:/nonexistent/socket"},
                                         {"sites", "/nonexistent/root"},
                                         {"log.access", "/nonexistent/log"}};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct conf *conf = make_conf(bad[i][0], bad[i][1], NULL, NULL);
        bool usable;
        assert_null(fetch_generation(&maker, 2, conf, g, &usable));
        assert_int_equal(usable, i == 0); // a socket is not the configuration's matter
        assert_int_equal(count_fds(), fds_serving);
        assert_fetched(&dir, "/hello", "hello");
    }
    bool usable;
    struct generation *next = fetch_generation(&maker, 2, make_conf("workers", "1", NULL, NULL), g,
                                               &usable);
    assert_non_null(next);
    generation_end(g, next, 0);
    run_until(two_ended);
    generation_free(g, next); // the socket's file stays
    events = (struct events){.ready = 1};
    generation_start(next);
    run_until(two_ready);
    assert_int_equal(events.complete, 1);
    assert_fetched(&dir, "/hello", "hello");
    generation_end(next, NULL, 0);
    generation_kill(next);
    run_until(one_ended);
    generation_free(next, NULL);
    assert_int_equal(count_fds(), fds);
}

TEST(test_reopen_log)
{
    char path[PATH_MAX], moved[PATH_MAX];
    tempdir_path(&dir, "access", path);
    struct generation *g = start(make_conf("log.access", path, NULL, NULL));
    run_until(two_ready);
    assert_int_equal(rename(path, tempdir_path(&dir, "moved", moved)), 0);
    int fd;
    assert_int_equal(accesslog_open(path, NULL, &fd), 0);
    generation_replace_log(g, fd);
    for (size_t i = 0; i < 2; i++) { // while the other one is stopped
        char target[] = "/hello?0";
        target[strlen(target) - 1] += (char)i;
        pid_t other = g->workers[1 - i].child.pid;
        kill(other, SIGSTOP);
        assert_int_equal(waitpid(other, NULL, WUNTRACED), other);
        await_logged(&dir, target, "access");
        kill(other, SIGCONT);
    }
    assert_fetched(&dir, "/hello?after", "hello");
    generation_end(g, NULL, 0);
    run_until(two_ended);
    assert_false(file_has(&dir, "moved", "?after"));
    assert_true(file_has(&dir, "access", "\"GET /hello?after HTTP/1.1\" 200 5 "));
    generation_free(g, NULL);
}

TEST(test_check)
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
        assert_true(log_has(
            &dir, "there is no user \"no-such-user\"; create it (useradd --system no-such-user)"));
        assert_true(log_has(&dir, "/nonexistent/log2")); // all that is wrong
        conf_free(conf);
        conf = make_conf("group", "no-such-group", "mime_types", "/nonexistent/types");
        assert_false(generation_check(conf, false, NULL));
        assert_true(log_has(&dir, "-o: there is no group \"no-such-group\"; create it (groupadd "
                                  "--system no-such-group), or set `group`"));
        assert_true(log_has(&dir, "-o: the media types \"/nonexistent/types\" cannot be read"));
        conf_free(conf);
    }
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_successor, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reopen_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_check, setup, teardown),
    };
    return cmocka_run_group_tests_name("generation", tests, NULL, NULL);
}
