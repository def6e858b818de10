#include "support/confload.h"
#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/child.h"
#include "server/accesslog.h"
#include "server/channel.h"
#include "server/handoff.h"
#include "server/worker.h"
#include "sys/listener.h"

static struct tempdir dir;
static struct conf *conf;
static struct served served;
static struct endpoint address;
static int listener, log_fd;
static struct privs privs;
static pid_t master;
static struct child child;
static int saved_stderr;

static int run(void *context, int channel)
{
    (void)context;
    struct sandbox sandbox = SANDBOX_NONE;
    const struct worker_setup setup = {
        .served = &served,
        .channel = channel,
        .privs = &privs,
        .sandbox = &sandbox,
        .master = master,
    };
    return worker_run(&setup);
}

static struct channel_message await_message(void)
{
    struct channel_message m = {.type = CHANNEL_TYPES};
    struct pollfd p = {.fd = child.channel, .events = POLLIN};
    int fd = -1;
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    if (channel_receive(child.channel, &m, &fd) <= 0)
        m.type = CHANNEL_TYPES;
    return m;
}

// One that is not to become ready is told that another process is its master.
static void start_worker(const char *option, const char *value, bool wait_until_ready)
{
    struct sites_failure failed;
    char path[PATH_MAX];
    const char *what;
    tempdir_make(&dir);
    tempdir_puts(&dir, "hello", "hello");
    tempdir_fill(&dir, "large", 20 << 20);
    const struct conf_override overrides[] = {
        {"sites", dir.path, "-"}, {"threads", "2", "-o"}, {option, value, "-o"}};
    const struct conf_source source = {.overrides = overrides, .override_count = option ? 3 : 2};
    conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    served = served_make(conf);
    served.listeners = &listener;
    served.listener_count = 1;
    served.addresses = &address;
    served.admin = SIZE_MAX;
    assert_int_equal(sites_open(&served.sites, conf, &failed), 0);
    assert_int_equal(scoreboard_init(&served.scoreboard, 1, 2), 0);
    assert_int_equal(accesslog_open(tempdir_path(&dir, "access", path), NULL, &log_fd), 0);
    served.access_log = log_fd;
    struct endpoint e = {.len = sizeof(e.un)};
    e.un = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(e.un.sun_path, tempdir_path(&dir, "socket", path));
    e.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    const struct listener_options options = {
        .backlog = 100, .mode = 0666, .owner = (uid_t)-1, .group = (gid_t)-1};
    listener = listener_open(&e, &options, &what);
    assert_true(listener >= 0);
    const int keep[] = {listener, served.sites.items[0].trees[0].root.fd, log_fd};
    master = wait_until_ready ? getpid() : getpid() + 1;
    saved_stderr = redirect_stderr(&dir);
    scoreboard_lend(&served.scoreboard, 0, true);
    assert_int_equal(child_spawn(&child, run, NULL, keep, ARRAY_SIZE(keep)), 0);
    if (wait_until_ready)
        assert_int_equal(await_message().type, CHANNEL_STARTED);
}

static int await_end(void)
{
    int status = 0;
    struct pollfd p = {.fd = child.pidfd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE) != 1) {
        kill(child.pid, SIGKILL);
        poll(&p, 1, PATIENCE);
    }
    assert_int_equal(child_reap(&child, &status), 0);
    child_close(&child);
    return status;
}

static int cleanup(void **state)
{
    (void)state;
    restore_stderr(saved_stderr);
    if (child.pid) { // the test failed
        kill(child.pid, SIGKILL);
        await_end();
    }
    close(listener);
    close(log_fd);
    scoreboard_cleanup(&served.scoreboard);
    sites_close(&served.sites);
    conf_free(conf);
    tempdir_remove(&dir);
    return 0;
}

// The ways to end a worker that serves: each ends it well.
static void retire(void)
{
    assert_int_equal(channel_send(child.channel, CHANNEL_RETIRE, 0, -1), 0);
}

static void leave_and_retire(void)
{
    assert_int_equal(channel_send(child.channel, CHANNEL_LEAVE_LISTENER, 0, -1), 0);
    retire();
}

static void lose_master(void)
{
    assert_int_equal(shutdown(child.channel, SHUT_RDWR), 0);
}

// To the group, perhaps: it is the master that says what is to be done.
static void terminate_and_retire(void)
{
    assert_int_equal(kill(child.pid, SIGTERM), 0);
    for (int i = 0; i < 20; i++)
        assert_fetched(&dir, "/hello", "hello");
    retire();
}

static void send_nonsense(void)
{
    assert_int_equal(send(child.channel, "nonsense", 8, 0), 8);
}

TEST(test_ends)
{
    static void (*const ends[])(void) = {retire, leave_and_retire, lose_master,
                                         terminate_and_retire, send_nonsense};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        start_worker(NULL, NULL, true);
        for (int j = 0; j < 5; j++)
            assert_fetched(&dir, "/hello", "hello");
        assert_int_equal(served.scoreboard.places[0].slots[0].accepted +
                             served.scoreboard.places[0].slots[1].accepted,
                         5);
        ends[i]();
        assert_int_equal(await_end(), 0);
        if (i + 1 < ARRAY_SIZE(ends))
            cleanup(state);
    }
}

// An answer under way is finished, unless timeouts.drain passes: then it is reported.
TEST(test_drains)
{
    static char data[1 << 16];
    start_worker(NULL, NULL, true);
    int slow = connect_to(&dir);
    assert_true(slow >= 0);
    dprintf(slow, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read(slow, data, sizeof(data)) > 0);
    retire();
    size_t got = 0;
    ssize_t n;
    while ((n = read(slow, data, sizeof(data))) > 0)
        got += (size_t)n;
    assert_true(got > 20 << 20 || got + sizeof(data) > 20 << 20);
    close(slow);
    assert_int_equal(await_end(), 0);
}

TEST(test_cut)
{
    char byte;
    start_worker("timeouts.drain", "100ms", true);
    int slow = connect_to(&dir);
    assert_true(slow >= 0);
    dprintf(slow, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(read(slow, &byte, 1), 1);
    retire();
    struct channel_message m = await_message();
    assert_int_equal(m.type, CHANNEL_ANSWERS_CUT);
    assert_int_equal(m.value, 1);
    assert_int_equal(await_end(), 0);
    close(slow);
}

TEST(test_new_log)
{
    char path[PATH_MAX];
    int fd;
    start_worker(NULL, NULL, true);
    assert_int_equal(accesslog_open(tempdir_path(&dir, "second", path), NULL, &fd), 0);
    assert_int_equal(channel_send(child.channel, CHANNEL_REPLACE_LOG, 0, fd), 0);
    close(fd);
    await_logged(&dir, "/hello?before", "second");
    assert_fetched(&dir, "/hello?after", "hello");
    retire();
    assert_int_equal(await_end(), 0);
    assert_false(file_has(&dir, "access", "?after"));
    assert_true(file_has(&dir, "second", "unix - - ["));
    assert_true(file_has(&dir, "second", "\"GET /hello?after HTTP/1.1\" 200 5 "));
}

// The pair of a RETIRE is the worker's own; the one for all that a master of another program is
// given may come before the worker has read either.
TEST(test_hands_over_by_its_own_pair)
{
    int own[2], of_all[2];
    start_worker(NULL, NULL, true);
    int idle = connect_to(&dir);
    assert_true(idle >= 0);
    char answer[4096];
    dprintf(idle, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(read(idle, answer, sizeof(answer)) > 0);
    assert_int_equal(handoff_pair(own), 0);
    assert_int_equal(handoff_pair(of_all), 0);
    assert_int_equal(kill(child.pid, SIGSTOP), 0);
    assert_int_equal(channel_send(child.channel, CHANNEL_RETIRE, 1, own[1]), 0);
    assert_int_equal(channel_send(child.channel, CHANNEL_HAND_OVER_TO, 0, of_all[1]), 0);
    close(own[1]);
    close(of_all[1]);
    assert_int_equal(kill(child.pid, SIGCONT), 0);
    assert_int_equal(await_end(), 0);
    assert_true(recv(own[0], answer, sizeof(answer), MSG_DONTWAIT) > 0);
    assert_true(recv(of_all[0], answer, sizeof(answer), MSG_DONTWAIT) <= 0);
    close(own[0]);
    close(of_all[0]);
    close(idle);
}

TEST(test_cannot_start)
{
    start_worker(NULL, NULL, false);
    assert_int_equal(await_message().type, CHANNEL_TYPES); // end of file, not ready
    assert_int_equal(WEXITSTATUS(await_end()), WORKER_EXIT_FAILED);
    assert_true(log_has(&dir, "a worker cannot start: "));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_ends, cleanup),
        cmocka_unit_test_teardown(test_drains, cleanup),
        cmocka_unit_test_teardown(test_cut, cleanup),
        cmocka_unit_test_teardown(test_new_log, cleanup),
        cmocka_unit_test_teardown(test_hands_over_by_its_own_pair, cleanup),
        cmocka_unit_test_teardown(test_cannot_start, cleanup),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
