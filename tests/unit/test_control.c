#include "process.h"

#include "daemon/control.h"

static struct tempdir dir;
static struct poller poller;
static struct control *control;
static char path[PATH_MAX];
static char arguments[256], text[256];
static unsigned runs;

static void copy(char *to, struct slice from)
{
    assert_true(from.len < 256);
    if (from.len)
        memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
}

static void run_echo(void *context, const struct control_request *request)
{
    assert_ptr_equal(context, &runs);
    runs++;
    copy(arguments, request->arguments);
    copy(text, request->text);
    control_answer(request->fd, "answer", "yes");
}

static const struct control_command commands[] = {{"echo", run_echo}, {NULL, NULL}};

static int open_at(const char *at, struct control **ret)
{
    const char *what;
    const struct control_options options = {at, commands, &runs, &poller};
    return control_new(&options, ret, &what);
}

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    assert_int_equal(poller_init(&poller), 0);
    assert_int_equal(open_at(tempdir_path(&dir, "socket", path), &control), 0);
    control_serve(control);
    runs = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    control_free(control);
    assert_int_equal(access(path, F_OK), -1);
    poller_cleanup(&poller);
    tempdir_remove(&dir);
    return 0;
}

// Does all that there is to do at this time.
static void serve(int64_t now)
{
    struct poller_event events[POLLER_MAX_EVENTS];
    int count;
    while ((count = poller_wait(&poller, events, 20)) > 0) {
        for (int i = 0; i < count; i++) {
            const struct watch *w = events[i].source;
            if (w->kind == WATCH_CONTROL)
                control_accept(control, now);
            else
                control_receive(control, w->number);
        }
    }
}

static void expect(int fd, const char *want)
{
    char got[256] = "";
    ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_int_equal(n, strlen(want));
    assert_string_equal(got, want);
}

static int send_request(const char *request)
{
    int fd = connect_to(&dir);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    return fd;
}

static void test_requests(void **state)
{
    static const struct {
        const char *request, *answer, *arguments, *text;
    } cases[] = {
        {"echo a b\nmore\nlines", "{\"answer\": \"yes\"}\n", "a b", "more\nlines"},
        {"echo", "{\"answer\": \"yes\"}\n", "", ""},
        {"ech", "{\"error\": \"unknown command\"}\n", NULL, NULL},
        {"", "{\"error\": \"unknown command\"}\n", NULL, NULL},
    };
    struct stat st;
    (void)state;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = send_request(cases[i].request);
        serve(0);
        assert_int_equal(control_next(control), CONTROL_TIMEOUT); // it may send more
        shutdown(fd, SHUT_WR);
        serve(0);
        expect(fd, cases[i].answer);
        expect(fd, ""); // closed
        assert_int_equal(control_next(control), -1);
        if (cases[i].arguments) {
            assert_string_equal(arguments, cases[i].arguments);
            assert_string_equal(text, cases[i].text);
        }
        close(fd);
    }
    assert_int_equal(runs, 2);
}

static void test_limits(void **state)
{
    static char large[CONTROL_REQUEST_MAX];
    int fds[CONTROL_CLIENTS_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = send_request("ec");
    serve(100);
    // The last one waits in the queue; time is up for the others.
    control_do_due(control, 100 + CONTROL_TIMEOUT - 1);
    assert_int_equal(control_next(control), 100 + CONTROL_TIMEOUT);
    control_do_due(control, 100 + CONTROL_TIMEOUT);
    assert_int_equal(control_next(control), -1);
    serve(200);
    assert_int_equal(control_next(control), 200 + CONTROL_TIMEOUT);
    expect(fds[0], "");
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
    assert_true(send(fds[CONTROL_CLIENTS_MAX], large, sizeof(large) - 2, MSG_NOSIGNAL) > 0);
    serve(200);
    assert_true(send(fds[CONTROL_CLIENTS_MAX], "x", 1, MSG_NOSIGNAL) > 0);
    shutdown(fds[CONTROL_CLIENTS_MAX], SHUT_WR);
    serve(200);
    expect(fds[CONTROL_CLIENTS_MAX], "{\"error\": \"the request is too long\"}\n");
    close(fds[CONTROL_CLIENTS_MAX]);
    assert_int_equal(runs, 0);
}

static void test_places(void **state)
{
    char longer[200];
    struct control *other = NULL;
    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_string_equal(control_path(control), path);
    assert_int_equal(open_at(path, &other), -EADDRINUSE);
    assert_int_equal(open_at(longer, &other), -ENAMETOOLONG);
    assert_int_equal(open_at("/nonexistent/socket", &other), -ENOENT);
    assert_null(other);
    control_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_places, setup, teardown),
    };
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
