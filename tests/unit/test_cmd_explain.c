#include "support/process.h"

#include "cli/args.h"
#include "cli/cmd_explain.h"

static struct tempdir dir;
static char file[PATH_MAX], control[PATH_MAX];

// Runs the command; `out` gets what it writes to stdout.
static int run(const struct args *args, char *out, size_t size)
{
    FILE *output = tmpfile();
    assert_non_null(output);
    fflush(stdout);
    int saved_out = dup(STDOUT_FILENO), saved_err = redirect_stderr(&dir);
    dup2(fileno(output), STDOUT_FILENO);
    int status = cmd_explain(args);
    fflush(stdout);
    dup2(saved_out, STDOUT_FILENO);
    close(saved_out);
    restore_stderr(saved_err);
    rewind(output);
    out[fread(out, 1, size - 1, output)] = '\0';
    fclose(output);
    return status;
}

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    tempdir_puts(&dir, "index.html", "x");
    tempdir_puts(&dir, "tined.conf",
                 "sites = ( { root = \".\"; } ); user = \"nobody\"; control = \"socket\";");
    tempdir_puts(&dir, "bad.conf", "sites = 3;");
    tempdir_path(&dir, "tined.conf", file);
    tempdir_path(&dir, "socket", control);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tempdir_remove(&dir);
    return 0;
}

TEST(test_configuration)
{
    static const struct {
        const char *url, *client, *method, *header;
        int status;
        const char *out, *err; // what is said there
    } cases[] = {
        {"http://a.test/", NULL, NULL, NULL, 0, "request    GET / HTTP/1.1, from 127.0.0.1", NULL},
        {"a.test", "unix", "HEAD", NULL, 0, "request    HEAD / HTTP/1.1, from unix", NULL},
        {"a.test", NULL, NULL, "X-Y: z", 0, "\n\nHTTP/1.1 200 OK\n", NULL},
        {"a.test", NULL, NULL, "Host: b", 0, "\n\nHTTP/1.1 200 OK\n", NULL},
        {"/", NULL, NULL, NULL, 2, "", "\"/\" cannot be asked for: no host, or none that can be"},
        {"a.test", "somebody", NULL, NULL, 2, "", "\"somebody\" is no client"},
    };
    static char out[100000];
    size_t fds = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *headers[] = {cases[i].header};
        const struct args args = {.command = COMMAND_EXPLAIN,
                                  .file = file,
                                  .file_is_given = true,
                                  .url = cases[i].url,
                                  .client = cases[i].client,
                                  .method = cases[i].method,
                                  .headers = headers,
                                  .header_count = cases[i].header != NULL};
        assert_int_equal(run(&args, out, sizeof(out)), cases[i].status);
        if (!strstr(out, cases[i].out) || (!*cases[i].out && *out))
            fail_msg("no \"%s\" in %s", cases[i].out, out);
        if (cases[i].err && !log_has(&dir, cases[i].err))
            fail_msg("no \"%s\"", cases[i].err);
        assert_int_equal(count_fds(), fds);
    }
}

TEST(test_bad_configuration)
{
    char path[PATH_MAX], out[100];
    const struct args args = {.command = COMMAND_EXPLAIN,
                              .file = tempdir_path(&dir, "bad.conf", path),
                              .file_is_given = true,
                              .url = "a.test"};
    assert_int_equal(run(&args, out, sizeof(out)), 78);
    assert_true(log_has(&dir, "bad.conf:1"));
}

// A server that answers once with this.
static pid_t serve(const char *answer)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char data[1000];
    strcpy(at.sun_path, control);
    unlink(control);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(listener, 4), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = accept(listener, NULL, NULL);
        while (read(fd, data, sizeof(data)) > 0)
            ;
        _exit(write(fd, answer, strlen(answer)) < 0);
    }
    close(listener);
    return pid;
}

TEST(test_running_server)
{
    static const struct {
        const char *answer;
        int status;
        const char *out, *err;
    } cases[] = {
        {"result 3\nso\n", 0, "so\n", NULL},
        {"error 7\nwhy not", 1, "", "why not"},
        {"result 30\nso\n", 1, "", "could not be explained in time"},
        {"{\"explanation\": \"so\\n\"}\n", 1, "", "is of an earlier version"},
        {"{\"error\": \"why not\"}\n", 1, "", "is of an earlier version"},
        {"", 1, "", "could not be explained in time"},
    };
    char out[1000];
    for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
        struct args args = {.command = COMMAND_EXPLAIN, .file = file, .url = "a.test"};
        if (i % 2) // else where the configuration says
            args.socket = control;
        pid_t pid = serve(cases[i / 2].answer);
        assert_int_equal(run(&args, out, sizeof(out)), cases[i / 2].status);
        waitpid(pid, NULL, 0);
        assert_string_equal(out, cases[i / 2].out);
        if (cases[i / 2].err)
            assert_true(log_has(&dir, cases[i / 2].err));
    }
}

TEST(test_no_server)
{
    static char out[100000];
    struct args args = {.command = COMMAND_EXPLAIN, .file = file, .url = "a.test"};
    unlink(control);
    assert_int_equal(run(&args, out, sizeof(out)), 0);
    assert_true(log_has(&dir, "this is what "));
    assert_non_null(strstr(out, "\n\nHTTP/1.1 200 OK\n"));
    args.socket = control;
    assert_int_equal(run(&args, out, sizeof(out)), 1);
    assert_true(log_has(&dir, "the server cannot be asked at "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_bad_configuration),
        cmocka_unit_test(test_running_server),
        cmocka_unit_test(test_no_server),
    };
    return cmocka_run_group_tests_name("cmd_explain", tests, setup, teardown);
}
