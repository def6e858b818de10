#include "support/process.h"

#include "daemon/control.h"

static struct tempdir dir;
static struct watches watches;
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
    control_answer(request->fd, "result", "yes");
}

static bool refuse_other(void *context, const struct control_request *request)
{
    assert_ptr_equal(context, &runs);
    bool is_other = slice_equal(request->arguments, SLICE("other"));
    if (is_other)
        control_answer(request->fd, "error", "not here");
    return is_other;
}

static const struct control_command commands[] = {
    {"echo", run_echo, NULL}, {"here", run_echo, refuse_other}, {NULL, NULL, NULL}};

static int open_at(const char *at, struct control **ret)
{
    const char *what;
    const struct control_options options = {at, commands, &runs, &watches};
    return control_new(&options, ret, &what);
}

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    assert_int_equal(watch_init(&watches), 0);
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
    watch_cleanup(&watches);
    tempdir_remove(&dir);
    return 0;
}

// Does all that there is to do at this time.
static void serve(int64_t now)
{
    watches.now = now;
    while (watch_wait_ready(&watches, 20) > 0)
        ;
    timers_run(&watches.timers, now);
}

static int64_t next_deadline(void)
{
    return timers_next(&watches.timers);
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

// For a command that reads JSON.
#define OLD_COMMAND \
    "{\"error\": \"the server is of a newer version: run the command of its program\"}\n"

TEST(test_requests)
{
    static const struct {
        const char *request, *answer, *arguments, *text;
    } cases[] = {
        {"echo 2 a b\nmore\nlines", "result 3\nyes", "a b", "more\nlines"},
        {"echo 2", "result 3\nyes", "", ""},
        {"here 2 this", "result 3\nyes", "this", ""},
        {"here 2 other", "error 8\nnot here", NULL, NULL},
        {"ech 2", "error 15\nunknown command", NULL, NULL},
        {"echo a b\n", OLD_COMMAND, NULL, NULL},
        {"", OLD_COMMAND, NULL, NULL},
    };
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = send_request(cases[i].request);
        serve(0);
        assert_int_equal(next_deadline(), CONTROL_TIMEOUT); // it may send more
        shutdown(fd, SHUT_WR);
        serve(0);
        expect(fd, cases[i].answer);
        expect(fd, ""); // closed
        assert_int_equal(next_deadline(), -1);
        if (cases[i].arguments) {
            assert_string_equal(arguments, cases[i].arguments);
            assert_string_equal(text, cases[i].text);
        }
        close(fd);
    }
    assert_int_equal(runs, 3);
}

TEST(test_limits)
{
    static char large[CONTROL_REQUEST_MAX];
    int fd = send_request("ec");
    serve(100);
    serve(100 + CONTROL_TIMEOUT - 1);
    assert_int_equal(next_deadline(), 100 + CONTROL_TIMEOUT);
    timers_run(&watches.timers, 100 + CONTROL_TIMEOUT);
    assert_int_equal(next_deadline(), -1);
    expect(fd, "");
    close(fd);
    fd = send_request("ec");
    assert_true(send(fd, large, sizeof(large) - 2, MSG_NOSIGNAL) > 0);
    serve(200);
    assert_true(send(fd, "x", 1, MSG_NOSIGNAL) > 0);
    shutdown(fd, SHUT_WR);
    serve(200);
    expect(fd, "error 23\nthe request is too long");
    close(fd);
    assert_int_equal(runs, 0);
}

// Connects so many clients of that user who say nothing.
static void connect_silent(int *fds, size_t count, uid_t user)
{
    const uid_t own = geteuid();
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seteuid(user), 0);
        fds[i] = send_request("");
        assert_int_equal(seteuid(own), 0);
        serve(0);
    }
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

static bool is_open(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

static void expect_answer(void)
{
    int fd = send_request("echo 2");
    shutdown(fd, SHUT_WR);
    serve(0);
    expect(fd, "result 3\nyes");
    close(fd);
}

// The longest silent gives way to a newcomer, in the order of what was sent last.
TEST(test_a_crowd)
{
    int fds[CONTROL_CLIENTS_MAX];
    connect_silent(fds, ARRAY_SIZE(fds), geteuid());
    assert_int_equal(send(fds[0], "ec", 2, MSG_NOSIGNAL), 2);
    serve(1);
    expect_answer();
    expect(fds[1],
           "error 69\nthe control socket is crowded, and this client was silent for longest");
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        assert_int_equal(is_open(fds[i]), i != 1);
    // Its place is free again.
    expect_answer();
    assert_true(is_open(fds[2]));
    close_all(fds, ARRAY_SIZE(fds));
    serve(2);
    assert_int_equal(next_deadline(), -1);
}

// Others never take a place of the owner, and the owner takes none of theirs.
TEST(test_a_crowd_of_others)
{
    int owners[2], others[CONTROL_CLIENTS_MAX + 1];
    char directory[PATH_MAX];
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(tempdir_path(&dir, "", directory), 0755), 0);
    assert_int_equal(chmod(path, 0666), 0);
    connect_silent(owners, 1, 0);
    connect_silent(others, ARRAY_SIZE(others), 65534);
    connect_silent(owners + 1, 1, 0);
    assert_true(is_open(owners[0]));
    assert_true(is_open(owners[1]));
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(is_open(others[i]), i != 0);
    expect_answer();
    close_all(owners, ARRAY_SIZE(owners));
    close_all(others, ARRAY_SIZE(others));
}

TEST(test_places)
{
    char longer[200];
    struct control *other = NULL;
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
        cmocka_unit_test_setup_teardown(test_a_crowd, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_crowd_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_places, setup, teardown),
    };
    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
