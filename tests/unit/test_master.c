#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/master.h"

static struct tempdir dir;
static char file[PATH_MAX], address[PATH_MAX + 8], site[PATH_MAX];
static int saved_stderr;

static void print(void *context, const char *where, const char *message)
{
    (void)context;
    fprintf(stderr, "%s: %s\n", where, message);
}

// In the master: what the file says now.
static struct conf *load(void *context)
{
    const struct conf_source source = {.file = file};
    (void)context;
    return conf_load(&source, print, NULL);
}

static void configure(const char *root, const char *more)
{
    char text[4 * PATH_MAX];
    snprintf(
        text, sizeof(text),
        "workers = 2; listen = ( { address = \"%s\"; } ); sites = ( { root = \"%s\"; } );\n%s\n",
        address, root, more);
    tempdir_puts(&dir, "tined.conf", text);
}

static void configure_log(const char *name)
{
    char more[PATH_MAX + 64], path[PATH_MAX];
    snprintf(more, sizeof(more), "log = { access = \"%s\"; };", tempdir_path(&dir, name, path));
    configure(site, more);
}

static void await_file(const char *path)
{
    for (struct wait w = {0}; access(path, F_OK) != 0 && wait_on(&w);)
        ;
    assert_int_equal(access(path, F_OK), 0);
}

static int setup(void **state)
{
    char path[PATH_MAX];
    (void)state;
    tempdir_make(&dir);
    tempdir_path(&dir, "tined.conf", file);
    snprintf(address, sizeof(address), "unix:%s", tempdir_path(&dir, "socket", path));
    tempdir_path(&dir, "site", site);
    tempdir_mkdir(&dir, "site");
    tempdir_puts(&dir, "site/hello", "hello");
    tempdir_mkdir(&dir, "new");
    tempdir_puts(&dir, "new/hello", "new");
    configure(site, "");
    saved_stderr = redirect_stderr(&dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    end_started();
    restore_stderr(saved_stderr);
    tempdir_remove(&dir);
    return 0;
}

static pid_t start(bool hup_stops)
{
    fflush(NULL);
    pid_t pid = started(fork());
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct master_options options = {
            .load = load, .keep_ids = true, .hup_stops = hup_stops};
        _exit(master_run(&options));
    }
    return pid;
}

static pid_t start_ready(bool hup_stops)
{
    pid_t pid = start(hup_stops);
    await_log(&dir, "ready: generation 1, 2 workers\n");
    return pid;
}

TEST(test_serves_and_stops)
{
    pid_t pid = start_ready(false);
    assert_true(log_has(&dir, "listening on unix:"));
    assert_fetched(&dir, "/hello", "hello");
    kill(pid, SIGTERM);
    assert_int_equal(await_exit(pid), 0);
    assert_int_equal(connect_to(&dir), -ENOENT);
}

TEST(test_reload)
{
    char path[PATH_MAX];
    pid_t pid = start_ready(false);
    // A bad one is not taken, whatever is wrong with it.
    static const char *const bad[] = {"worker = 3;", "mime_types = \"/proc/self/status/none\";",
                                      "log = { access = \"/nonexistent/log\"; };"};
    static const char *const says[] = {"unknown option \"worker\"",
                                       "/proc/self/status/none\" cannot be read: Not a directory",
                                       "\"/nonexistent/log\" cannot be opened"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        configure(site, bad[i]);
        kill(pid, SIGHUP);
        await_log(&dir, says[i]);
        assert_fetched(&dir, "/hello", "hello");
    }
    configure(tempdir_path(&dir, "new", path), "");
    kill(pid, SIGHUP);
    await_log(&dir, "ready: generation 2, 2 workers\n");
    await_fetched(&dir, "/hello", "new");
    kill(pid, SIGTERM);
    assert_int_equal(await_exit(pid), 0);
}

// A worker that dies is replaced; QUIT ends all at once.
TEST(test_worker_dies)
{
    char log[8192];
    pid_t pid = start_ready(false);
    char children[128] = "", path[PATH_MAX];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "re");
    if (f) {
        assert_non_null(fgets(children, sizeof(children), f));
        fclose(f);
        pid_t worker = (pid_t)strtol(children, NULL, 10);
        assert_true(worker > 1);
        kill(worker, SIGKILL);
        await_log(&dir, "was killed by signal 9 (Killed)");
        assert_fetched(&dir, "/hello", "hello");
    }
    kill(pid, SIGQUIT);
    assert_int_equal(await_exit(pid), 0);
    tempdir_read(&dir, "log", log, sizeof(log));
    assert_non_null(strstr(log, "stopping\n"));
}

TEST(test_second_signal)
{
    char byte;
    int status = -1;
    tempdir_fill(&dir, "site/large", 20 << 20);
    pid_t pid = start_ready(false);
    int slow = connect_to(&dir);
    assert_true(slow >= 0);
    dprintf(slow, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(read(slow, &byte, 1), 1);
    kill(pid, SIGINT);
    await_log(&dir, "stopping\n");
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); // an answer is under way
    // Within STOP_ONE_REQUEST it would be the first one again.
    while (waitpid(pid, &status, WNOHANG) == 0) {
        kill(pid, SIGINT);
        usleep(10000);
    }
    assert_int_equal(status, 0);
    close(slow);
}

TEST(test_hup_may_stop)
{
    pid_t pid = start_ready(true);
    kill(pid, SIGHUP);
    assert_int_equal(await_exit(pid), 0);
}

// Under nohup the end of a terminal does not stop it; the other signals do what they always do.
TEST(test_hup_was_ignored)
{
    char path[PATH_MAX];
    configure_log("access");
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    pid_t pid = start_ready(true);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    unlink(tempdir_path(&dir, "access", path));
    kill(pid, SIGHUP);
    kill(pid, SIGUSR1);
    await_file(path); // that is read after the other
    assert_false(log_has(&dir, "stopping\n"));
    assert_fetched(&dir, "/hello", "hello");
    kill(pid, SIGTERM);
    assert_int_equal(await_exit(pid), 0);
}

TEST(test_reopens_log)
{
    char path[PATH_MAX], moved[PATH_MAX];
    configure_log("access");
    pid_t pid = start_ready(false);
    tempdir_path(&dir, "access", path);
    assert_int_equal(rename(path, tempdir_path(&dir, "moved", moved)), 0);
    kill(pid, SIGUSR1);
    await_file(path);
    await_logged(&dir, "/hello", "access");
    kill(pid, SIGTERM);
    assert_int_equal(await_exit(pid), 0);
}

TEST(test_cannot_start)
{
    static const struct {
        const char *more;
        int status;
    } cases[] = {
        {"worker = 3;", 78},
        {"workers = ;", 78},
        {"mime_types = \"/proc/self/status/none\";", 78},
        {"log = { access = \"/nonexistent/log\"; };", 78},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        configure(site, cases[i].more);
        assert_int_equal(await_exit(start(false)), cases[i].status);
        assert_int_equal(connect_to(&dir), -ENOENT);
    }
    configure("/nonexistent/root", "");
    assert_int_equal(await_exit(start(false)), 78);
    assert_true(log_has(&dir, "tined.conf:1: root \"/nonexistent/root\" cannot be opened: "));
}

TEST(test_address_in_use)
{
    pid_t first = start_ready(false);
    assert_int_equal(await_exit(start(false)), 1);
    assert_true(log_has(&dir, "socket is in use by "));
    assert_fetched(&dir, "/hello", "hello");
    kill(first, SIGQUIT);
    assert_int_equal(await_exit(first), 0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_DFL); // that nohup has left ignored
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_serves_and_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_worker_dies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_signal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hup_may_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hup_was_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reopens_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_start, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_in_use, setup, teardown),
    };
    return cmocka_run_group_tests_name("master", tests, NULL, NULL);
}
