#include "support/process.h"

#include "cli/args.h"
#include "cli/cmd_run.h"

static struct tempdir dir;
static char listen_on[PATH_MAX + 8];
static char name[] = "tined", serve_word[] = "serve", run_word[] = "run", l_option[] = "-l";
static char o_option[] = "-o", c_option[] = "-c";

static int setup(void **state)
{
    char path[PATH_MAX];
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "hello", "hello");
    tempdir_puts(&dir, "log", "");
    snprintf(listen_on, sizeof(listen_on), "unix:%s", tempdir_path(&dir, "socket", path));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    end_started();
    tempdir_remove(&dir);
    return 0;
}

// Runs what the command line says in a process of its own.
static pid_t start(int argc, char **argv)
{
    fflush(NULL);
    pid_t pid = started(fork());
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    char message[ARGS_MESSAGE_MAX];
    struct args args;
    redirect_stderr(&dir);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO); // `serve` shows the requests there
    if (args_parse(argc, argv, &args, message) < 0)
        _exit(2);
    int status = args.command == COMMAND_SERVE ? cmd_serve(&args) : cmd_run(&args);
    args_cleanup(&args);
    _exit(status);
}

static void await_socket(void)
{
    int fd = -1;
    for (struct wait w = {0}; (fd = connect_to(&dir)) < 0 && wait_on(&w);)
        ;
    assert_true(fd >= 0);
    close(fd);
}

TEST(test_serve)
{
    char *argv[] = {name, serve_word, dir.path, l_option, listen_on, NULL};
    pid_t pid = start(5, argv);
    await_log(&dir, "ready: generation 1");
    assert_fetched(&dir, "/hello", "hello");
    kill(pid, SIGHUP); // the terminal is gone
    assert_int_equal(await_exit(pid), 0);
}

TEST(test_run)
{
    char file[PATH_MAX], text[2 * PATH_MAX];
    char user[] = "user=root";
    snprintf(text, sizeof(text),
             "workers = 1; listen = ( { address = \"%s\"; } ); sites = ({ root = \".\"; });",
             listen_on);
    tempdir_puts(&dir, "tined.conf", text);
    char *argv[] = {name,     run_word, c_option, tempdir_path(&dir, "tined.conf", file),
                    o_option, user,     NULL};
    pid_t pid = start(6, argv);
    await_socket();
    assert_fetched(&dir, "/hello", "hello");
    kill(pid, SIGHUP); // a reload
    await_log(&dir, "ready: generation 2, 1 workers\n");
    assert_fetched(&dir, "/hello", "hello");
    kill(pid, SIGTERM);
    assert_int_equal(await_exit(pid), 0);
}

// log.level holds before the master says that it is ready; when that is cannot be seen then.
TEST(test_level)
{
    char level[] = "log.level=error";
    char *argv[] = {name, serve_word, dir.path, l_option, listen_on, o_option, level, NULL};
    pid_t pid = start(7, argv);
    await_socket();
    assert_fetched(&dir, "/hello", "hello");
    kill(pid, SIGQUIT);
    assert_int_equal(await_exit(pid), 0);
    assert_false(log_has(&dir, "ready"));
    assert_false(log_has(&dir, "listening"));
}

TEST(test_cannot_be_used)
{
    char threads[] = "threads=0", nowhere[] = "/nonexistent/directory";
    char *bad[] = {name, serve_word, dir.path, l_option, listen_on, o_option, threads, NULL};
    char *missing[] = {name, serve_word, nowhere, l_option, listen_on, NULL};
    char *no_file[] = {name, run_word, c_option, nowhere, NULL};
    assert_int_equal(await_exit(start(7, bad)), 78);
    assert_true(log_has(&dir, "-o: \"threads\""));
    assert_int_equal(await_exit(start(5, missing)), 78);
    assert_int_equal(await_exit(start(4, no_file)), 78);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_DFL); // that nohup has left ignored
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_serve, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cannot_be_used, setup, teardown),
    };
    return cmocka_run_group_tests_name("cmd_run", tests, NULL, NULL);
}
