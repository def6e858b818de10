#include "support/confload.h"
#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/generation.h"
#include "daemon/handover.h"
#include "daemon/upkeep.h"
#include "daemon/watchdog.h"
#include "daemon/worker_process.h"
#include "server/channel.h"
#include "sys/fdpass.h"

static struct tempdir dir;
static struct watches watches;
static struct generation_maker maker;
static struct generation *g;
static int saved_stderr;
static int64_t now; // of the test
static bool deaf;   // to workers that become ready

static struct conf *make_conf(const char *workers, const char *option, const char *value)
{
    char address[PATH_MAX + 8], path[PATH_MAX];
    snprintf(address, sizeof(address), "unix:%s", tempdir_path(&dir, "socket", path));
    const struct conf_override overrides[] = {{"sites", dir.path, "-"},
                                              {"listen", address, "-l"},
                                              {"workers", workers, "-o"},
                                              {"threads", "2", "-o"},
                                              {option, value, "-o"}};
    const struct conf_source source = {.overrides = overrides,
                                       .override_count = ARRAY_SIZE(overrides)};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

static void on_message(void *context, struct worker_process *w,
                       const struct channel_message *message)
{
    (void)context;
    if (message->type != CHANNEL_STARTED || deaf)
        return;
    if (generation_worker_ready(w, now))
        w->generation->phase = GENERATION_CURRENT;
    upkeep_worker_ready(w, now);
}

static void on_worker_end(void *context, struct worker_process *w)
{
    (void)context;
    upkeep_worker_ended(w);
}

// Until so many workers are alive and ready.
static void run_until(unsigned alive, unsigned ready)
{
    for (;;) {
        unsigned now_ready = 0;
        for (unsigned i = 0; i < g->worker_count; i++)
            now_ready += g->workers[i].policy.phase == SUPERVISE_READY;
        if (g->alive == alive && now_ready == ready)
            return;
        watches.now = now;
        assert_true(watch_wait_ready(&watches, PATIENCE) > 0);
    }
}

static void pass(int64_t ms)
{
    now += ms;
    watches.now = now;
    timers_run(&watches.timers, now);
    timers_run(&watches.timers, now); // what that has set
}

static void start(const char *workers, const char *option, const char *value)
{
    bool usable;
    tempdir_make(&dir);
    tempdir_puts(&dir, "hello", "hello");
    saved_stderr = redirect_stderr(&dir);
    assert_int_equal(watch_init(&watches), 0);
    maker = (struct generation_maker){
        .watches = &watches, .events = {on_message, on_worker_end, NULL}, .keep_ids = true};
    maker.handoff[0] = maker.handoff[1] = -1;
    handovers_init(&maker.handovers);
    leftovers_init(&maker.leftovers);
    g = fetch_generation(&maker, 1, make_conf(workers, option, value), NULL, &usable);
    assert_non_null(g);
    now = watches.now;
    upkeep_begin(g);
    generation_start(g);
    run_until(g->wanted, g->wanted);
    assert_int_equal(g->phase, GENERATION_CURRENT);
}

static int teardown(void **state)
{
    (void)state;
    generation_end(g, NULL, now);
    generation_kill(g);
    run_until(0, 0);
    leftovers_cleanup(&maker.leftovers);
    generation_free(g, NULL);
    handovers_cleanup(&maker.handovers);
    watch_cleanup(&watches);
    restore_stderr(saved_stderr);
    tempdir_remove(&dir);
    return 0;
}

static unsigned count_log(const char *text)
{
    char got[16384];
    unsigned count = 0;
    tempdir_read(&dir, "log", got, sizeof(got));
    for (const char *at = got; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static uint64_t requests(void)
{
    struct totals_report r;
    totals_begin(&maker.totals, &r);
    totals_add(&r, &g->served.scoreboard);
    totals_finish(&maker.totals, &r);
    return r.counts.requests;
}

static void fetch_times(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_fetched(&dir, "/hello", "hello");
}

TEST(test_replaces)
{
    start("1", "limits.worker_requests", "4");
    assert_int_equal(g->worker_count, 2);
    for (unsigned round = 0; round < 4; round++) {
        const struct worker_process *old = &g->workers[round % 2];
        const struct worker_process *new = &g->workers[(round + 1) % 2];
        assert_int_equal(new->child.pid, 0);
        fetch_times(2);
        pass(WATCHDOG_PERIOD); // are not enough
        assert_int_equal(g->alive, 1);
        fetch_times(2);
        pass(WATCHDOG_PERIOD - 1); // it is not looked at all the time
        assert_int_equal(g->alive, 1);
        pass(1);
        assert_int_equal(g->alive, 2);
        pass(WATCHDOG_PERIOD);
        assert_int_equal(g->alive, 2); // one at a time
        run_until(1, 1);
        assert_int_equal(old->child.pid, 0);
        assert_false(timers_is_set(&old->kill));
        assert_int_not_equal(new->child.pid, 0);
        assert_int_equal(count_log(" is replaced after "), round + 1);
        assert_int_equal(requests(), 4 * (round + 1));
    }
    assert_int_equal(count_log("ended with status"), 0); // what was wanted is no warning
}

TEST(test_by_age)
{
    start("3", "limits.worker_age", "1h");
    pass(3600000 / 4 * 3 - 1);
    assert_int_equal(g->alive, 3);
    for (unsigned i = 1; i <= 3; i++) {
        pass(3600000 / 4);
        assert_int_equal(g->alive, 4);
        pass(WATCHDOG_PERIOD);
        assert_int_equal(g->alive, 4);
        run_until(3, 3);
        assert_int_equal(count_log(" is replaced after "), i);
        now -= 3600000 / 4 - WATCHDOG_PERIOD; // the new ones are to stay young
    }
}

// The worker that is to be replaced dies, and its successor that is starting.
TEST(test_deaths_on_the_way)
{
    start("1", "limits.worker_requests", "1");
    fetch_times(1);
    pass(WATCHDOG_PERIOD);
    assert_int_equal(g->alive, 2);
    kill(g->workers[0].child.pid, SIGKILL);
    run_until(1, 1);
    assert_null(g->upkeep.replaced);
    assert_int_equal(g->workers[0].child.pid, 0);
    pass(WATCHDOG_PERIOD);
    assert_int_equal(g->alive, 1); // no third one

    now += SUPERVISE_TOO_SOON;
    fetch_times(1);
    pass(WATCHDOG_PERIOD);
    assert_int_equal(g->alive, 2);
    deaf = true; // it may be quicker than its end
    kill(g->workers[0].child.pid, SIGKILL);
    run_until(1, 1);
    deaf = false;
    fetch_times(1); // of the old one
    assert_int_not_equal(g->workers[1].child.pid, 0);
    pass(SUPERVISE_FIRST_DELAY);
    run_until(1, 1);
    assert_int_not_equal(g->workers[0].child.pid, 0);
    assert_int_equal(g->workers[1].child.pid, 0);
}

static void stop_worker(unsigned worker)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)g->workers[worker].child.pid);
    kill(g->workers[worker].child.pid, SIGSTOP);
    while (!strstr(text, ") T")) {
        FILE *f = fopen(path, "re");
        assert_non_null(f);
        assert_non_null(fgets(text, sizeof(text), f));
        fclose(f);
    }
}

static void set_beats(unsigned worker, int beat)
{
    for (uint64_t i = 0; i < 2; i++)
        atomic_store(&worker_process_place(&g->workers[worker])->notes[i].beat, (uint64_t)beat);
}

// One whose loops stand still is killed and replaced.
TEST(test_hangs)
{
    start("2", "timeouts.watchdog", "3s");
    fetch_times(4);
    stop_worker(1);
    set_beats(1, 1000);
    pid_t pid = g->workers[1].child.pid;
    for (int i = 0; i < 4; i++) { // the first look sees what was before
        assert_int_equal(count_log(" hangs"), 0);
        set_beats(0, 1000 + i); // the other one moves
        pass(WATCHDOG_PERIOD);
    }
    assert_int_equal(count_log("worker 1 of generation 1 (pid "), 1);
    assert_int_equal(count_log(") hangs: loop 0 stands still for 3000 ms"), 1);
    assert_true(timers_is_set(&g->workers[1].kill));
    assert_int_equal(g->workers[1].kill.when, now + 1000);
    assert_true(upkeep_is_healthy(g));              // the other one serves
    assert_int_equal(g->workers[1].child.pid, pid); // stopped, it does not heed SIGABRT
    pass(WATCHDOG_PERIOD);
    run_until(1, 1);
    assert_int_equal(count_log("was killed by signal 9 (Killed)"), 1);
    assert_int_equal(count_log(" hangs"), 1);
    pass(0);
    run_until(2, 2);
    fetch_times(4);
}

TEST(test_all_hang)
{
    start("2", "timeouts.watchdog", "3s");
    assert_true(upkeep_is_healthy(g));
    for (unsigned i = 0; i < 2; i++) {
        stop_worker(i);
        set_beats(i, 1000);
    }
    for (int i = 0; i < 4; i++) {
        assert_true(upkeep_is_healthy(g));
        pass(WATCHDOG_PERIOD);
    }
    assert_false(upkeep_is_healthy(g));
    pass(WATCHDOG_PERIOD);
    run_until(0, 0);
    assert_false(upkeep_is_healthy(g));
    pass(0);
    run_until(2, 2);
    assert_true(upkeep_is_healthy(g));
}

// Its loops do not run yet, and it has been told to end.
TEST(test_one_that_starts_while_the_server_stops)
{
    start("1", "timeouts.watchdog", "3s");
    stop_worker(0);
    g->workers[0].guard = (struct channel_guard){0}; // it has said nothing
    supervise_retire(&g->workers[0].policy);
    for (int i = 0; i < 29; i++)
        pass(WATCHDOG_PERIOD);
    assert_int_equal(count_log(" hangs"), 0);
    pass(2 * WATCHDOG_PERIOD);
    assert_int_equal(count_log(") hangs: loop 0 stands still for 3"), 1);
}

// One that never becomes ready is ended also then: those that it is to replace wait for it.
TEST(test_a_start_ends_without_a_watchdog)
{
    start("1", "timeouts.watchdog", "0");
    stop_worker(0);
    g->workers[0].guard = (struct channel_guard){0}; // it has said nothing
    for (int i = 0; i < 29; i++)
        pass(WATCHDOG_PERIOD);
    assert_int_equal(count_log(" hangs"), 0);
    pass(2 * WATCHDOG_PERIOD);
    assert_int_equal(count_log(") hangs: loop 0 stands still for 3"), 1);
    pass(WATCHDOG_PERIOD);
    run_until(0, 0);
    pass(0);
    run_until(1, 1);
    fetch_times(1);
}

TEST(test_may_be_switched_off)
{
    start("1", "timeouts.watchdog", "0");
    assert_int_equal(g->worker_count, 1); // and nobody is replaced
    for (int i = 0; i < 100; i++)
        pass(WATCHDOG_PERIOD);
    assert_int_equal(count_log(" hangs"), 0);
    fetch_times(1);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_replaces, teardown),
        cmocka_unit_test_teardown(test_by_age, teardown),
        cmocka_unit_test_teardown(test_deaths_on_the_way, teardown),
        cmocka_unit_test_teardown(test_all_hang, teardown),
        cmocka_unit_test_teardown(test_hangs, teardown),
        cmocka_unit_test_teardown(test_one_that_starts_while_the_server_stops, teardown),
        cmocka_unit_test_teardown(test_a_start_ends_without_a_watchdog, teardown),
        cmocka_unit_test_teardown(test_may_be_switched_off, teardown),
    };
    return cmocka_run_group_tests_name("upkeep", tests, NULL, NULL);
}
