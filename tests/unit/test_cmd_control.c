#include "support/process.h"

#include "cli/args.h"
#include "cli/cmd_control.h"

static struct tempdir dir;
static char socket_path[PATH_MAX], file[PATH_MAX];

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "tined.conf", "sites = ( { root = \".\"; } ); control = \"socket\";");
    tempdir_path(&dir, "socket", socket_path);
    tempdir_path(&dir, "tined.conf", file);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

// A master that sees whether it is asked this, and gives this answer. Its exit status: 0 if it was.
static pid_t start_master(const char *request, const char *answer)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char data[PATH_MAX + 100] = "";
    size_t len = 0;
    ssize_t n;
    strcpy(at.sun_path, socket_path);
    unlink(socket_path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener, 4), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid) {
        close(listener);
        return started(pid);
    }
    int fd = accept(listener, NULL, NULL);
    while (len < sizeof(data) - 1 && (n = read(fd, data + len, sizeof(data) - 1 - len)) > 0)
        len += (size_t)n;
    _exit(strcmp(data, request) != 0 || write(fd, answer, strlen(answer)) < 0);
}

// Runs the command. Its output goes to the file "out", its log to "log".
static int run(const struct args *args)
{
    char path[PATH_MAX];
    int out = open(tempdir_path(&dir, "out", path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(out >= 0);
    unlink(tempdir_path(&dir, "log", path));
    fflush(stdout);
    int saved_out = dup(STDOUT_FILENO), saved_err = redirect_stderr(&dir);
    dup2(out, STDOUT_FILENO);
    int status = cmd_control(args);
    dup2(saved_out, STDOUT_FILENO);
    close(saved_out);
    close(out);
    restore_stderr(saved_err);
    return status;
}

TEST(test_answers)
{
    static const struct {
        enum command command;
        bool json;
        const char *request, *answer;
        int status;
        const char *out, *logged;
    } cases[] = {
        {COMMAND_RELOAD, false, "reload 2 \n", "result 4\nfine", 0, "fine\n", ""},
        {COMMAND_STOP, false, "stop 2 \n", "result 5\nfine\n", 0, "fine\n", ""},
        {COMMAND_STATUS, false, "status 2 \n", "result 0\n", 0, "", ""},
        {COMMAND_STATUS, true, "status 2 json\n", "result 2\n{}", 0, "{}\n", ""},
        // Output that cron would mail.
        {COMMAND_REOPEN, false, "reopen 2 \n", "result 4\nfine", 0, "", ""},
        {COMMAND_REOPEN, false, "reopen 2 \n", "error 3\nbad", 1, "", "bad"},
        // Each line of a fault is logged as an error of its own.
        {COMMAND_RELOAD, false, "reload 2 \n", "error 9\none\nother", 1, "", "other"},
        // Cut off, or nothing at all.
        {COMMAND_UPGRADE, false, "upgrade 2 \n", "result 5\nfine", 1, "", "has ended before"},
        {COMMAND_DRAIN, false, "drain 2 \n", "", 1, "", "has ended before"},
        // A server of an earlier version.
        {COMMAND_REOPEN, false, "reopen 2 \n", "{\"result\": 1}\n", 0, "", "earlier version"},
        {COMMAND_REOPEN, false, "reopen 2 \n", "{\"error\": 1}\n", 1, "", "earlier version"},
        {COMMAND_STATUS, true, "status 2 json\n", "{\"result\": 1}\n", 1, "", "earlier version"},
    };
    char got[200];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct args args = {
            .command = (int)cases[i].command, .json = cases[i].json, .socket = socket_path};
        pid_t pid = start_master(cases[i].request, cases[i].answer);
        assert_int_equal(run(&args), cases[i].status);
        assert_int_equal(await_exit(pid), 0);
        tempdir_read(&dir, "out", got, sizeof(got));
        assert_string_equal(got, cases[i].out);
        tempdir_read(&dir, "log", got, sizeof(got));
        assert_contains(got, cases[i].logged);
        assert_int_equal(*got != '\0', *cases[i].logged != '\0');
    }
}

TEST(test_socket_of_the_configuration)
{
    struct args args = {.command = COMMAND_STOP, .file = file, .file_is_given = true};
    char real[PATH_MAX], request[PATH_MAX + 32];
    // -c names the file too: the socket may be that of another server.
    assert_non_null(realpath(file, real));
    snprintf(request, sizeof(request), "stop 2 \nfile %s\n", real);
    pid_t pid = start_master(request, "result 0\n");
    assert_int_equal(run(&args), 0);
    assert_int_equal(await_exit(pid), 0);
    // The server says what is wrong with a file, and nobody else.
    tempdir_puts(&dir, "tined.conf",
                 "sites = ( { root = \".\"; } ); control = \"socket\"; nonsense = 1;");
    args.socket = NULL;
    args.file_is_given = false;
    assert_int_equal(run(&args), 1);
    assert_true(log_has(&dir, "nonsense") &&
                log_has(&dir, "cannot be asked")); // nobody else is there
    tempdir_puts(&dir, "tined.conf", "sites = ( { root = \".\"; } ); control = \"socket\";");
    pid = start_master("stop 2 \n", "result 0\n");
    assert_int_equal(run(&args), 0);
    assert_int_equal(await_exit(pid), 0);
    args.file_is_given = true;
    // Nobody listens there any more.
    assert_int_equal(run(&args), 1);
    assert_true(log_has(&dir, socket_path) && log_has(&dir, "cannot be asked"));
    tempdir_puts(&dir, "tined.conf", "sites = ( { root = \".\"; } ); control = \"\";");
    assert_int_equal(run(&args), 1);
    assert_true(log_has(&dir, "cannot be asked at any socket"));
    args.file = "/nonexistent/tined.conf";
    assert_int_equal(run(&args), 1);
    assert_true(log_has(&dir, "/nonexistent/tined.conf: No such file or directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_socket_of_the_configuration),
    };
    int failed = cmocka_run_group_tests_name("cmd_control", tests, setup, teardown);
    end_started();
    return failed;
}
