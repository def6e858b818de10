#include "support/confload.h"
#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/control_socket.h"

static struct tempdir dir;
static struct watches watches;
static struct control_socket cs;
static int saved_stderr;

static void run_hello(void *context, const struct control_request *request)
{
    (void)context;
    control_answer(request->fd, "answer", "hello");
}

static const struct control_command commands[] = {{"hello", run_hello, NULL}, {NULL, NULL, NULL}};

static int setup(void **state)
{
    (void)state;
    tempdir_make(&dir);
    saved_stderr = redirect_stderr(&dir);
    cs = (struct control_socket){.is_wanted = true, .commands = commands, .watches = &watches};
    return watch_init(&watches);
}

static int teardown(void **state)
{
    (void)state;
    control_socket_cleanup(&cs);
    watch_cleanup(&watches);
    restore_stderr(saved_stderr);
    tempdir_remove(&dir);
    return 0;
}

// Opens the socket of that name in the directory; "": none.
static bool open_socket(const char *name)
{
    char path[PATH_MAX] = "";
    const struct conf_override overrides[] = {
        {"control", *name ? tempdir_path(&dir, name, path) : "", "-o"}};
    const struct conf_source source = {.overrides = overrides, .override_count = 1};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    bool is_open = control_socket_open(&cs, conf);
    conf_free(conf);
    return is_open;
}

static void assert_serves(bool serves)
{
    char got[64] = "";
    int fd = connect_to(&dir);
    assert_true(fd >= 0);
    assert_int_equal(send(fd, "hello 2", 7, MSG_NOSIGNAL), 7);
    shutdown(fd, SHUT_WR);
    while (watch_wait_ready(&watches, 20) > 0)
        ;
    ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_int_equal(n > 0, serves);
    if (serves)
        assert_string_equal(got, "answer 5\nhello");
    close(fd);
}

static bool has_file(const char *name)
{
    char path[PATH_MAX];
    return access(tempdir_path(&dir, name, path), F_OK) == 0;
}

TEST(test_serves_when_it_is_taken)
{
    assert_true(open_socket("socket"));
    assert_serves(false); // the generation of this configuration is not ready yet
    control_socket_take(&cs);
    assert_serves(true);
    assert_true(open_socket("socket")); // the next configuration wants the same
    assert_false(cs.changes);
    control_socket_take(&cs);
    assert_serves(true);
}

TEST(test_moves)
{
    assert_true(open_socket("before"));
    control_socket_take(&cs);
    assert_true(open_socket("socket"));
    assert_true(has_file("before"));
    control_socket_take(&cs);
    assert_true(has_file("before")); // until events cannot point into it any more
    control_socket_free_old(&cs);
    assert_false(has_file("before"));
    assert_serves(true);
    assert_true(open_socket(""));
    control_socket_take(&cs);
    control_socket_free_old(&cs);
    assert_false(has_file("socket"));
    assert_null(cs.control);
}

TEST(test_stays_when_a_reload_fails)
{
    assert_true(open_socket("socket"));
    control_socket_take(&cs);
    assert_true(open_socket("other"));
    control_socket_give_up(&cs);
    assert_false(has_file("other"));
    assert_serves(true);
    assert_false(open_socket("no-such-directory/socket"));
    assert_true(log_has(&dir, "the control socket "));
    assert_true(log_has(&dir, "cannot be opened: bind: No such file or directory\n"));
    control_socket_give_up(&cs);
    assert_serves(true);
}

TEST(test_may_be_unwanted)
{
    cs.is_wanted = false;
    assert_true(open_socket("socket"));
    assert_false(has_file("socket"));
    control_socket_take(&cs);
    assert_null(cs.control);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_serves_when_it_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_moves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stays_when_a_reload_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_may_be_unwanted, setup, teardown),
    };
    return cmocka_run_group_tests_name("control_socket", tests, NULL, NULL);
}
