#include "support/masterparts.h"

#include "base/util.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct worker_process *worker; // of the first generation

static int setup(void **state)
{
    setup_parts(state);
    start_first();
    worker = &parts.generations.current->workers[0];
    return 0;
}

static bool is_ready(void)
{
    return worker->policy.phase == SUPERVISE_READY;
}

static bool has_ended(void)
{
    return worker->child.pid == 0;
}

// No timer runs meanwhile, so that none has come after it when it is seen.
static void await_its_end(void)
{
    while (!has_ended())
        assert_true(watch_wait_ready(&parts.watches, PATIENCE) > 0);
}

TEST(test_its_place)
{
    assert_ptr_equal(worker->generation, parts.generations.current);
    assert_int_equal(worker->number, 0);
    assert_int_equal(parts.generations.current->alive, 1);
    assert_ptr_equal(worker_process_place(worker),
                     parts.generations.current->served.scoreboard.places);
    struct generation of_another_image = {.id = 1};
    const struct worker_process adopted = {.generation = &of_another_image, .number = 3};
    assert_null(worker_process_place(&adopted));
}

// The process ends without its master having noticed yet.
static void kill_worker(void)
{
    siginfo_t info;
    pid_t pid = worker->child.pid;
    worker_process_kill(worker);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

TEST(test_another_follows_one_that_has_died)
{
    char text[256];
    const int pid = (int)worker->child.pid;
    assert_fetched(&parts.dir, "/hello", "one");
    kill_worker();
    await_its_end();
    snprintf(text, sizeof(text),
             "worker 0 of generation 1 (pid %d) was ended at once by the master", pid);
    assert_true(log_has(&parts.dir, text));
    assert_int_equal(parts.generations.maker.totals.ended.requests, 1); // its counters are kept
    assert_int_equal(parts.generations.current->alive, 0);
    run_until(is_ready);
    assert_int_not_equal(worker->child.pid, pid);
    assert_int_equal(parts.generations.current->alive, 1);
    assert_fetched(&parts.dir, "/hello", "one");
}

static void note_nothing(void *context, struct worker_process *w,
                         const struct channel_message *message)
{
    (void)context;
    (void)w;
    (void)message; // that it is ready
}

// Those that die before they are ready are tried again later and later.
TEST(test_later_and_later)
{
    static const int64_t delays[] = {100, 200, 400};
    timers_cancel(&parts.reload.root_check);
    timers_cancel(&parts.generations.current->upkeep.look);
    parts.generations.maker.events.said = note_nothing;
    kill_worker();
    await_its_end();
    worker->policy.failures = 0; // it may have died too soon
    timers_run(&parts.watches.timers, parts.watches.now = worker->start.when);
    for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
        assert_int_equal(worker->policy.phase, SUPERVISE_STARTING);
        kill_worker();
        parts.watches.now = 1000000000;
        await_its_end();
        assert_int_equal(timers_next(&parts.watches.timers), parts.watches.now + delays[i]);
        timers_run(&parts.watches.timers, parts.watches.now + delays[i] - 1);
        assert_true(has_ended());
        parts.watches.now += delays[i];
        timers_run(&parts.watches.timers, parts.watches.now);
        assert_false(has_ended());
    }
}

TEST(test_one_that_is_not_wanted)
{
    supervise_retire(&worker->policy);
    kill_worker();
    await_its_end();
    assert_false(timers_is_set(&worker->start));
    worker_process_start_if_due(worker);
    assert_true(has_ended());
    worker_process_want(worker);
    run_until(is_ready);
}

TEST(test_tells_it)
{
    worker_process_tell(worker, CHANNEL_RETIRE, false, -1);
    await_its_end(); // by itself
    assert_true(log_has(&parts.dir, ") ended with status 0"));
    supervise_retire(&worker->policy);
    timers_cancel(&worker->start);
    worker_process_tell(worker, CHANNEL_RETIRE, false, -1); // nobody is there to be told
    worker_process_kill(worker);
    assert_false(log_has(&parts.dir, "does not listen"));
}

static bool has_spoken(void)
{
    return log_has(&parts.dir, "tined: ready: generation 99");
}

// By its own stderr, stdout and stdin, which are all that it has of its master's.
TEST(test_its_words_are_marked)
{
    static const char forged[] = "tined: ready: generation 99\n";
    char path[64], text[256];
    const int pid = (int)worker->child.pid;
    struct stat own, others[3];
    assert_int_equal(fstat(worker->words.fd, &own), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, i);
        if (stat(path, &others[i]) < 0)
            skip(); // it is not dumpable, and this is not root
        assert_int_equal(others[i].st_ino, own.st_ino);
    }
    snprintf(path, sizeof(path), "/proc/%d/fd/2", pid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, forged, strlen(forged)), strlen(forged));
    close(fd);
    run_until(has_spoken);
    snprintf(text, sizeof(text), "warning: worker 0 of generation 1 (pid %d) says: tined: ready",
             pid);
    assert_true(log_has(&parts.dir, text));
}

// From now on it is the test that speaks on its channel, at the end that is returned; its own stays
// open, or it would end.
static int speak_for_worker(int *ret_own)
{
    int pair[2];
    assert_int_equal(fdpass_pair(pair), 0);
    watch_remove(&parts.watches, worker->child.channel);
    *ret_own = fcntl(worker->child.channel, F_DUPFD_CLOEXEC, 0);
    assert_int_equal(dup3(pair[0], worker->child.channel, O_CLOEXEC), worker->child.channel);
    close(pair[0]);
    assert_int_equal(watch_add(&parts.watches, worker->child.channel, &worker->channel_watch), 0);
    return pair[1];
}

static unsigned heard;

static void count_message(void *context, struct worker_process *w,
                          const struct channel_message *message)
{
    (void)context;
    (void)w;
    (void)message;
    heard++;
}

TEST(test_reads_a_few_messages_at_once)
{
    int own, channel = speak_for_worker(&own);
    parts.generations.maker.events.said = count_message;
    heard = 0;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(channel_send(channel, CHANNEL_ROOT_SWAPPED, 0, -1), 0);
    for (unsigned i = 8; i <= 24; i += 8) {
        assert_int_equal(watch_wait_ready(&parts.watches, PATIENCE), 1);
        assert_int_equal(heard, MIN(i, 20u));
    }
    assert_int_equal(watch_wait_ready(&parts.watches, 0), 0);
    close(channel);
    close(own);
}

static bool is_replaced(void)
{
    return log_has(&parts.dir, "was ended at once by the master") && is_ready();
}

// Says something that no worker says, and is ended for it.
static void assert_ended_for(const char *why, const void *bytes, size_t len, unsigned times, int fd)
{
    char text[256];
    const int pid = (int)worker->child.pid;
    size_t before = count_fds();
    int own, channel = speak_for_worker(&own);
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(fdpass_send(channel, bytes, len, fd), 0);
    snprintf(text, sizeof(text),
             "worker 0 of generation 1 (pid %d) is ended: it sent the master %s", pid, why);
    run_until(is_replaced);
    assert_true(log_has(&parts.dir, text));
    assert_int_not_equal(worker->child.pid, pid);
    assert_false(worker->is_unruly);
    close(channel);
    close(own);
    assert_int_equal(count_fds(), before);
}

TEST(test_ends_one_that_floods)
{
    const struct channel_message m = {CHANNEL_ROOT_SWAPPED, 0};
    assert_ended_for("too many messages within a second", &m, sizeof(m), 100, -1);
}

TEST(test_ends_one_that_is_malformed)
{
    assert_ended_for("a malformed message", "nonsense", 5, 1, -1);
}

TEST(test_ends_one_that_is_too_long)
{
    assert_ended_for("a malformed message", "nonsense", 9, 1, -1);
}

TEST(test_ends_one_that_sends_a_descriptor)
{
    const struct channel_message m = {CHANNEL_ROOT_SWAPPED, 0};
    assert_ended_for("a malformed message", &m, sizeof(m), 1, STDIN_FILENO);
}

TEST(test_ends_one_that_speaks_out_of_turn)
{
    const struct channel_message m = {CHANNEL_STARTED, 0};
    assert_ended_for("a message out of turn", &m, sizeof(m), 1, -1);
}

// One that has ended by itself cannot be ended for its last words, and its number may be another's.
TEST(test_last_words_that_no_worker_says)
{
    siginfo_t info;
    const pid_t pid = worker->child.pid;
    int own, channel = speak_for_worker(&own);
    watch_remove(&parts.watches, worker->child.channel); // they are read when it has been reaped
    assert_int_equal(fdpass_send(channel, "nonsense", 5, -1), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    await_its_end();
    assert_true(log_has(&parts.dir, "it sent the master a malformed message"));
    assert_true(log_has(&parts.dir, "was killed by signal 9"));
    close(channel);
    close(own);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown_parts)
        CASE(test_its_place),
        CASE(test_another_follows_one_that_has_died),
        CASE(test_later_and_later),
        CASE(test_one_that_is_not_wanted),
        CASE(test_tells_it),
        CASE(test_its_words_are_marked),
        CASE(test_reads_a_few_messages_at_once),
        CASE(test_ends_one_that_floods),
        CASE(test_ends_one_that_is_malformed),
        CASE(test_ends_one_that_is_too_long),
        CASE(test_ends_one_that_sends_a_descriptor),
        CASE(test_ends_one_that_speaks_out_of_turn),
        CASE(test_last_words_that_no_worker_says),
#undef CASE
    };
    return cmocka_run_group_tests_name("worker_process", tests, NULL, NULL);
}
