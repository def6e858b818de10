#include "support/process.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "base/log.h"
#include "cli/args.h"
#include "cli/cmd_probe.h"

#include <stdlib.h>
#include <unistd.h>

// A server on a UNIX socket: there may be no network where this runs.
struct fixture {
    struct tempdir dir;
    int listener;
    char address[PATH_MAX + 8];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    assert_non_null(f);
    tempdir_make(&f->dir);
    strcpy(f->address, "unix:");
    strcpy(at.sun_path, tempdir_path(&f->dir, "socket", f->address + strlen(f->address)));
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(f->listener, 1), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    end_started();
    close(f->listener);
    tempdir_remove(&f->dir);
    free(f);
    return 0;
}

// In a process of its own, for a timer ends it. Its output goes to the file "log".
static pid_t start(struct fixture *f, struct args args)
{
    args.command = COMMAND_PROBE;
    if (!args.url) {
        args.url = "http://example.org:8080/a b";
        args.connect = args.connect ? args.connect : f->address;
    }
    unlinkat(AT_FDCWD, tempdir_path(&f->dir, "log", (char[PATH_MAX]){0}), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        redirect_stderr(&f->dir);
        dup2(STDERR_FILENO, STDOUT_FILENO);
        exit(cmd_probe(&args));
    }
    return started(pid);
}

static void assert_said(const struct fixture *f, const char *want)
{
    char got[4096];
    tempdir_read(&f->dir, "log", got, sizeof(got));
    assert_contains(got, want);
}

// Takes the connection and the request; the socket.
static int take_request(const struct fixture *f, char request[static 1024])
{
    struct pollfd p = {.fd = f->listener, .events = POLLIN};
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    int fd = accept(f->listener, NULL, NULL);
    assert_true(fd >= 0);
    p.fd = fd;
    assert_int_equal(poll(&p, 1, PATIENCE), 1);
    ssize_t n = read(fd, request, 1023);
    assert_true(n > 0);
    request[n] = '\0';
    return fd;
}

TEST(test_answers)
{
    static const struct {
        const char *answer;
        int want;
        const char *said;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", 0, "HTTP/1.1 200 OK\n"},
        {"HTTP/1.1 399 Fine\r\n\r\n", 0, "HTTP/1.1 399 Fine\n"},
        {"HTTP/1.0 400 Bad\r\n\r\n", 1, "HTTP/1.0 400 Bad\n"},
        {"HTTP/1.1 503 Busy\r\n\r\n", 1, "HTTP/1.1 503 Busy\n"},
        {"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 None\r\n", 0, "HTTP/1.1 204 None\n"},
        {"SSH-2.0-OpenSSH_9.2\r\n", 1, "no answer: the server does not speak HTTP/1\n"},
        {"HTTP/1.1 200", 1, "no answer: the server closed the connection\n"},
    };
    struct fixture *f = *state;
    char request[1024];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        pid_t pid = start(f, (struct args){0});
        int fd = take_request(f, request);
        assert_starts(request, "HEAD /a%20b HTTP/1.1\r\nHost: example.org:8080\r\n");
        assert_int_equal(write(fd, cases[i].answer, strlen(cases[i].answer)),
                         strlen(cases[i].answer));
        close(fd);
        assert_int_equal(await_exit(pid), cases[i].want);
        assert_said(f, cases[i].said);
    }
}

TEST(test_an_endless_line)
{
    struct fixture *f = *state;
    char request[1024], answer[8192];
    memset(answer, 'x', sizeof(answer));
    memcpy(answer, "HTTP/1.1 200 ", strlen("HTTP/1.1 200 "));
    pid_t pid = start(f, (struct args){0});
    int fd = take_request(f, request);
    assert_int_equal(send(fd, answer, sizeof(answer), MSG_NOSIGNAL), sizeof(answer));
    assert_int_equal(await_exit(pid), 1);
    close(fd);
    assert_said(f, "no answer: no status within the first 4096 bytes\n");
}

// The deadline is that of the whole: a byte now and then does not put it off.
TEST(test_drips)
{
    struct fixture *f = *state;
    char request[1024];
    pid_t pid = start(f, (struct args){.timeout = "200ms"});
    int fd = take_request(f, request);
    ssize_t n = send(fd, "HTTP/1.1 103 Wait\r\nX: ", 22, MSG_NOSIGNAL);
    assert_int_equal(n, 22);
    for (int i = 0; i < PATIENCE / 20 && n >= 0; i++) {
        usleep(20000);
        n = send(fd, "x", 1, MSG_NOSIGNAL);
    }
    assert_true(n < 0);
    close(fd);
    assert_int_equal(await_exit(pid), 1);
    assert_said(f, "tined: error: timed out while waiting for the answer\n");
}

TEST(test_refused)
{
    struct fixture *f = *state;
    close(f->listener);
    f->listener = -1;
    assert_int_equal(await_exit(start(f, (struct args){0})), 1);
    assert_said(f, "tined: error: refused: unix:/");
    assert_said(f, "/socket: nothing listens there\n");
}

TEST(test_failures)
{
    static const struct {
        struct args args;
        int want;
        const char *said;
    } cases[] = {
        {{.connect = "unix:/nonexistent"},
         1,
         "not found: unix:/nonexistent: there is no such socket\n"},
        {{.url = "http://[::1%lo]/"}, 2, "\"http://[::1%lo]/\": "},
        {{.url = "https://a/"}, 2, "\"https://a/\": there is no TLS here"},
        {{.url = "ftp://a/"}, 2, "\"ftp://a/\": the schemes are http and https\n"},
        {{.url = "/a"}, 2, "\"/a\": no host"},
        {{.connect = "80"}, 2, "\"80\": a port alone is no address"},
        {{.connect = "systemd:http"}, 2, "\"systemd:http\": only the server has the sockets"},
        {{.timeout = "5"}, 2, "\"5\": write a time from 1ms to 1h"},
        {{.timeout = "0"}, 2, "\"0\": write a time"},
        {{.timeout = "61min"}, 2, "\"61min\": write a time"},
    };
    struct fixture *f = *state;
    char host[300], url[9000] = "http://a/";
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(await_exit(start(f, cases[i].args)), cases[i].want);
        assert_said(f, cases[i].said);
    }
    memset(host, 'a', sizeof(host));
    host[sizeof(host) - 1] = '\0';
    assert_int_equal(await_exit(start(f, (struct args){.url = host})), 2);
    assert_said(f, "the host is too long\n");
    memset(url + strlen(url), 'a', sizeof(url) - strlen("http://a/") - 1);
    assert_int_equal(await_exit(start(f, (struct args){.url = url})), 2);
    assert_said(f, "it is too long\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_endless_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
    };
    log_init("tined");
    return cmocka_run_group_tests_name("cmd_probe", tests, NULL, NULL);
}
