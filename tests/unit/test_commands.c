#include "support/masterparts.h"

#include "daemon/commands.h"

static struct explain_workers explain_workers;
static struct upgrade upgrade;
static struct log_reopen log_reopen;
static const struct status status = {&parts.generations, &parts.outcome, &parts.stop,
                                     &parts.reload};
static struct commands commands;
static char answer[64 << 10];

static int setup(void **state)
{
    setup_parts(state);
    explain_worker_init(&explain_workers, &parts.watches);
    upgrade = (struct upgrade){.generations = &parts.generations,
                               .service_manager = &parts.service_manager,
                               .outcome = &parts.outcome,
                               .reload = &parts.reload,
                               .stop = &parts.stop,
                               .explain_workers = &explain_workers,
                               .fetches = &parts.fetches};
    upgrade_init(&upgrade);
    upgrade.exec.image = upgrade.exec.proof_state = -1;
    commands = (struct commands){
        &parts.generations, &parts.service_manager, &parts.outcome, &parts.reload, &upgrade,
        &parts.stop,        &explain_workers,       &status,        &log_reopen,   NULL};
    log_reopen = (struct log_reopen){.generations = &parts.generations, .fetches = &parts.fetches};
    return 0;
}

static int teardown(void **state)
{
    log_reopen_cleanup(&log_reopen);
    explain_worker_cleanup(&explain_workers);
    upgrade_cleanup(&upgrade);
    return teardown_parts(state);
}

// Runs a command, and returns the end of the socket that its answer comes from.
static int run(const char *name, const char *arguments, const char *text)
{
    const struct control_command *command = commands_table;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    const struct control_request request = {slice_of(arguments), slice_of(text), pair[1]};
    while (command->name && strcmp(command->name, name) != 0)
        command++;
    assert_non_null(command->name);
    if (!command->refuse || !command->refuse(&commands, &request))
        command->run(&commands, &request);
    close(pair[1]);
    return pair[0];
}

static void read_answer(int fd)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    close(fd);
}

static void assert_got(const char *kind, const char *want)
{
    const char *text = strchr(answer, '\n');
    assert_starts(answer, kind);
    assert_non_null(text);
    assert_starts(text + 1, want);
}

static void assert_answer(const char *name, const char *arguments, const char *kind,
                          const char *want)
{
    read_answer(run(name, arguments, ""));
    assert_got(kind, want);
}

TEST(test_before_anything_serves)
{
    assert_answer("reload", "", "error", strerror(ESHUTDOWN));
    assert_answer("upgrade", "", "error", UPGRADE_NOT_NOW);
    assert_answer("explain", "::1 80", "error", strerror(EAGAIN));
    assert_answer("status", "", "result", "tined starting a generation, ");
}

static bool explainers_have_ended(void)
{
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        if (explain_workers.places[i].child.pid)
            return false;
    return true;
}

TEST(test_explain)
{
    start_first();
    assert_answer("explain", "", "error", "explain takes the client's address and the port");
    assert_answer("explain", "::1 99999", "error", "explain takes ");
    int fd = run("explain", "::1 80", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    run_until(explainers_have_ended);
    read_answer(fd);
    assert_got("result", "");
}

TEST(test_status)
{
    start_first();
    assert_answer("status", "", "result", "tined serving, pid ");
    assert_answer("status", "json", "result", "{\"version\":");
}

// An order that names a file is for the server that runs it, and every command heeds that.
TEST(test_of_another_configuration)
{
    static const char *const names[] = {"status", "reload", "upgrade", "reopen", "drain", "stop"};
    char path[PATH_MAX], link[PATH_MAX], real[PATH_MAX], text[2 * PATH_MAX];
    start_first();
    tempdir_puts(&parts.dir, "tined.conf", "");
    assert_int_equal(symlink("tined.conf", tempdir_path(&parts.dir, "link", link)), 0);
    commands.file = link;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        read_answer(run(names[i], "", "file /etc/tined/second.conf\n"));
        snprintf(text, sizeof(text), "the server at this control socket runs \"%s\"; name", link);
        assert_got("error", text);
        assert_contains(answer, "runs \"/etc/tined/second.conf\" with -s");
    }
    assert_false(parts.stop.has_begun || parts.generations.is_unready);
    assert_int_equal(parts.generations.last_id, 1);
    assert_non_null(realpath(tempdir_path(&parts.dir, "tined.conf", path), real));
    snprintf(text, sizeof(text), "file %s\n", real);
    read_answer(run("status", "", text));
    assert_got("result", "tined serving");
    commands.file = NULL;
    read_answer(run("status", "", text));
    assert_got("error", "the server at this control socket runs \"no file\"");
}

static bool none_waits(void)
{
    return parts.outcome.waiters.count == 0;
}

TEST(test_reload_is_answered_by_its_outcome)
{
    int fds[CONTROL_WAITERS_MAX];
    start_first();
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = run("reload", "", "");
        assert_told(fds[i], NULL);
    }
    assert_answer("reload", "", "error", "too many wait for a reload already");
    run_until(none_waits);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        read_answer(fds[i]);
        assert_got("result", "generation ");
    }
}

static bool logs_are_open(void)
{
    return !log_reopen.fetch;
}

static void assert_reopened(const char *kind, const char *want)
{
    int fd = run("reopen", "", "");
    run_until(logs_are_open);
    read_answer(fd);
    assert_got(kind, want);
}

TEST(test_reopen_and_drain)
{
    char path[PATH_MAX];
    parts.extra_option = "log.access";
    parts.extra_value = tempdir_path(&parts.dir, "access", path);
    start_first();
    assert_int_equal(unlink(path), 0);
    assert_reopened("result", "the log files are open anew");
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_reopened("error", "the access log \"");
    assert_contains(answer, "/access\" cannot be opened: Is a directory; the old one goes on");
    assert_true(log_has(&parts.dir, "cannot be opened: Is a directory; the old one goes on"));
    assert_false(parts.generations.is_unready);
    assert_answer("drain", "", "result", "not ready for more, until a reload succeeds");
    assert_true(parts.generations.is_unready);
}

TEST(test_stop)
{
    start_first();
    assert_answer("stop", "", "result", "stopping");
    assert_true(parts.stop.has_begun);
    assert_answer("reload", "", "error", "");
    run_until(none_is_left);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(test_before_anything_serves),
        CASE(test_explain),
        CASE(test_status),
        CASE(test_of_another_configuration),
        CASE(test_reload_is_answered_by_its_outcome),
        CASE(test_reopen_and_drain),
        CASE(test_stop),
#undef CASE
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
