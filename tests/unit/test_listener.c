#include "support/unit.h"

#include "base/address.h"
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/tined-listener-XXXXXX";
static const struct listener_options plain = {16, false, false, 0660, (uid_t)-1, (gid_t)-1};

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir); // fails when a test left a socket behind
}

static struct endpoint endpoint_of(const char *text)
{
    struct address a;
    assert_null(address_parse(slice_of(text), &a));
    return a.endpoint;
}

static struct endpoint unix_endpoint(const char *name)
{
    char text[256];
    snprintf(text, sizeof(text), "unix:%s/%s", dir, name);
    return endpoint_of(text);
}

static int open_ok(const struct endpoint *e, const struct listener_options *o)
{
    const char *what = "nothing";
    int fd = listener_open(e, o, &what);
    if (fd < 0)
        fail_msg("%s: %s", what, strerror(-fd));
    assert_string_equal(what, "nothing");
    return fd;
}

static void open_fails(const struct endpoint *e, int error, const char *what_failed)
{
    const char *what = "nothing";
    assert_int_equal(listener_open(e, &plain, &what), error);
    assert_string_equal(what, what_failed);
}

static int connect_to(const struct endpoint *e)
{
    int fd = socket(e->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &e->sa, e->len), 0);
    return fd;
}

static int accept_within(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) == 1 ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : -1;
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static bool is_nonblocking_and_cloexec(int fd)
{
    return (fcntl(fd, F_GETFL) & O_NONBLOCK) && (fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

// ---- TCP
// -----------------------------------------------------------------------------------------

TEST(test_tcp_options)
{
    struct endpoint e = endpoint_of("127.0.0.1:0"), bound;
    int fd = open_ok(&e, &plain);
    assert_true(is_nonblocking_and_cloexec(fd));
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
    assert_int_equal(option_of(fd, IPPROTO_IP, IP_FREEBIND), 0);
    assert_int_equal(listener_address(fd, &bound), 0);
    assert_int_not_equal(endpoint_port(&bound), 0);

    int client = connect_to(&bound);
    assert_int_equal(write(client, "x", 1), 1);
    int accepted = accept_within(fd, 5000);
    assert_true(accepted >= 0);
    assert_int_equal(option_of(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
    close(accepted);
    close(client);
    close(fd);
}

TEST(test_defers_until_told_not_to)
{
    struct endpoint e = endpoint_of("127.0.0.1:0");
    int fd = open_ok(&e, &plain);
    assert_int_equal(listener_address(fd, &e), 0);
    int silent = connect_to(&e);
    assert_int_equal(accept_within(fd, 100), -1);
    listener_stop_deferring(fd);
    int other = connect_to(&e);
    int accepted = accept_within(fd, 5000);
    assert_true(accepted >= 0);
    close(accepted);
    close(other);
    close(silent);
    close(fd);
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

TEST(test_both_families_on_one_port)
{
    if (!has_ipv6())
        skip();
    struct endpoint any4 = endpoint_of("0.0.0.0:0"), any6 = endpoint_of("[::]:0");
    int fd4 = open_ok(&any4, &plain);
    assert_int_equal(listener_address(fd4, &any4), 0);
    any6.in6.sin6_port = any4.in.sin_port;
    int fd6 = open_ok(&any6, &plain);
    assert_int_equal(option_of(fd6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    close(fd6);
    close(fd4);
}

TEST(test_second_listener_is_refused)
{
    struct endpoint e = endpoint_of("127.0.0.1:0"), any = endpoint_of("0.0.0.0:0");
    int fd = open_ok(&e, &plain);
    assert_int_equal(listener_address(fd, &e), 0);
    any.in.sin_port = e.in.sin_port;
    open_fails(&e, -EADDRINUSE, "bind");
    open_fails(&any, -EADDRINUSE, "bind");
    close(fd);
}

static unsigned tcp_state(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info.tcpi_state;
}

TEST(test_binds_over_time_wait)
{
    char byte;
    struct endpoint e = endpoint_of("127.0.0.1:0");
    int fd = open_ok(&e, &plain);
    assert_int_equal(listener_address(fd, &e), 0);
    int client = connect_to(&e);
    assert_int_equal(write(client, "x", 1), 1);
    int accepted = accept_within(fd, 5000);
    assert_int_equal(read(accepted, &byte, 1), 1);
    close(accepted); // who closes first keeps the TIME_WAIT
    assert_int_equal(read(client, &byte, 1), 0);
    assert_int_equal(tcp_state(client), TCP_CLOSE_WAIT);
    close(client);
    close(fd);

    // Without SO_REUSEADDR the port is still taken: the test would show nothing otherwise.
    int naive = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(naive, &e.sa, e.len), -1);
    assert_int_equal(errno, EADDRINUSE);
    close(naive);
    close(open_ok(&e, &plain));
}

TEST(test_freebind)
{
    static const char *const absent[] = {"192.0.2.1:0", "[2001:db8::1]:0"};
    struct listener_options o = plain;
    o.freebind = true;
    for (size_t i = 0; i < (has_ipv6() ? 2 : 1); i++) {
        struct endpoint e = endpoint_of(absent[i]);
        open_fails(&e, -EADDRNOTAVAIL, "bind");
        close(open_ok(&e, &o));
    }
}

// ---- UNIX
// ----------------------------------------------------------------------------------------

TEST(test_unix_mode_and_owner)
{
    static const mode_t umasks[] = {0, 022, 077, 0777};
    struct endpoint e = unix_endpoint("mode");
    for (size_t i = 0; i < ARRAY_SIZE(umasks); i++) {
        struct listener_options o = plain;
        struct stat st;
        if (geteuid() == 0) {
            o.owner = 1234;
            o.group = 4321;
        }
        mode_t saved = umask(umasks[i]);
        int fd = open_ok(&e, &o);
        assert_int_equal(umask(saved), umasks[i]);
        assert_true(is_nonblocking_and_cloexec(fd));
        assert_int_equal(stat(e.un.sun_path, &st), 0);
        assert_int_equal(st.st_mode, S_IFSOCK | 0660);
        assert_int_equal(st.st_uid, geteuid() == 0 ? 1234 : geteuid());
        listener_unlink(fd);
        assert_int_equal(access(e.un.sun_path, F_OK), -1);
        close(fd);
    }
}

TEST(test_unix_in_use_is_left)
{
    struct endpoint e = unix_endpoint("used"), bound;
    int fd = open_ok(&e, &plain);
    assert_int_equal(listener_address(fd, &bound), 0);
    assert_true(endpoint_equal(&bound, &e));
    open_fails(&e, -EADDRINUSE, "bind");
    close(connect_to(&e)); // still there
    listener_unlink(fd);
    close(fd);
}

TEST(test_unix_full_queue_is_in_use)
{
    struct listener_options o = plain;
    struct endpoint e = unix_endpoint("full");
    o.backlog = 0;
    int fd = open_ok(&e, &o), client = connect_to(&e);
    open_fails(&e, -EADDRINUSE, "bind");
    listener_unlink(fd);
    assert_int_equal(access(e.un.sun_path, F_OK), -1);
    close(client);
    close(fd);
}

TEST(test_unix_stale_is_replaced)
{
    struct endpoint e = unix_endpoint("stale");
    close(open_ok(&e, &plain));
    assert_int_equal(access(e.un.sun_path, F_OK), 0);
    int fd = open_ok(&e, &plain);
    close(connect_to(&e));
    listener_unlink(fd);
    close(fd);
}

static int young = -1; // listens as soon as somebody sleeps

int __real_nanosleep(const struct timespec *duration, struct timespec *left);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *left);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *left)
{
    if (young >= 0)
        assert_int_equal(listen(young, 1), 0);
    return __real_nanosleep(duration, left);
}

// Somebody who has bound and listens a moment later.
TEST(test_unix_bound_but_not_listening_yet)
{
    struct endpoint e = unix_endpoint("young");
    young = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(young, &e.sa, e.len), 0);
    open_fails(&e, -EADDRINUSE, "bind");
    close(young);
    young = -1;
    unlink(e.un.sun_path);
}

TEST(test_unix_other_files_are_left)
{
    struct endpoint e = unix_endpoint("file");
    struct stat st;
    close(open(e.un.sun_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    open_fails(&e, -EEXIST, "bind");
    assert_int_equal(unlink(e.un.sun_path), 0);
    assert_int_equal(symlink("/nonexistent", e.un.sun_path), 0);
    open_fails(&e, -EEXIST, "bind");
    assert_int_equal(lstat(e.un.sun_path, &st), 0);
    assert_int_equal(unlink(e.un.sun_path), 0);

    int datagram = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(datagram, &e.sa, e.len), 0);
    open_fails(&e, -EADDRINUSE, "bind");
    close(datagram);
    assert_int_equal(unlink(e.un.sun_path), 0);

    e = unix_endpoint("no-such-directory/file");
    open_fails(&e, -ENOENT, "bind");
}

TEST(test_unix_failure_leaves_no_file)
{
    if (geteuid() != 0)
        skip();
    struct endpoint e = unix_endpoint("failed");
    pid_t pid = fork();
    if (pid == 0) {
        struct listener_options o = plain;
        const char *what = "";
        o.owner = 0; // not theirs to give
        bool ok = chmod(dir, 0777) == 0 && setresuid(65534, 65534, 65534) == 0 &&
                  listener_open(&e, &o, &what) == -EPERM && strcmp(what, "chown") == 0;
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(access(e.un.sun_path, F_OK), -1);
}

TEST(test_unix_abstract)
{
    struct endpoint e = endpoint_of("unix:@tined-test-listener");
    int fd = open_ok(&e, &plain);
    close(connect_to(&e));
    open_fails(&e, -EADDRINUSE, "bind");
    listener_unlink(fd);
    close(fd);
}

// A file that belongs to another process' listener by now stays.
TEST(test_unlink_leaves_the_successor)
{
    struct endpoint e = unix_endpoint("successor");
    int ready[2], done[2];
    char byte;
    int fd = open_ok(&e, &plain);
    assert_int_equal(unlink(e.un.sun_path), 0);
    assert_int_equal(pipe(ready) | pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        const char *what;
        int own = listener_open(&e, &plain, &what);
        close(done[1]);
        bool ok = write(ready[1], "x", 1) == 1 && read(done[0], &byte, 1) == 0;
        listener_unlink(own);
        _exit(own >= 0 && ok && access(e.un.sun_path, F_OK) < 0 ? 0 : 1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    listener_unlink(fd);
    assert_int_equal(access(e.un.sun_path, F_OK), 0);
    close(done[1]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(ready[0]);
    close(done[0]);
    close(fd);
}

// ---- adopting
// ------------------------------------------------------------------------------------

TEST(test_adopt)
{
    struct endpoint e = endpoint_of("127.0.0.1:0");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, &e.sa, e.len), 0);
    assert_int_equal(listener_adopt(fd), -EINVAL);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(listener_adopt(fd), 0);
    assert_true(is_nonblocking_and_cloexec(fd));
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 1);
    close(fd);
}

TEST(test_adopt_unix)
{
    struct endpoint e = endpoint_of("unix:@tined-test-adopt");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, &e.sa, e.len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(listener_adopt(fd), 0);
    assert_true(is_nonblocking_and_cloexec(fd));
    listener_stop_deferring(fd);
    close(fd);
}

TEST(test_adopt_refuses)
{
    static const struct {
        int family, type, error;
    } cases[] = {
        {AF_INET, SOCK_DGRAM, -EPROTOTYPE},
        {AF_UNIX, SOCK_DGRAM, -EPROTOTYPE},
        {AF_UNIX, SOCK_SEQPACKET, -EPROTOTYPE},
        {AF_INET, SOCK_STREAM, -EINVAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = socket(cases[i].family, cases[i].type, 0);
        assert_int_equal(listener_adopt(fd), cases[i].error);
        assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        close(fd);
    }
    int fd = open("/dev/null", O_RDONLY);
    assert_int_equal(listener_adopt(fd), -ENOTSOCK);
    close(fd);
    assert_int_equal(listener_adopt(fd), -EBADF);
}

TEST(test_somaxconn)
{
    assert_true(listener_somaxconn() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp_options),
        cmocka_unit_test(test_defers_until_told_not_to),
        cmocka_unit_test(test_both_families_on_one_port),
        cmocka_unit_test(test_second_listener_is_refused),
        cmocka_unit_test(test_binds_over_time_wait),
        cmocka_unit_test(test_freebind),
        cmocka_unit_test(test_unix_mode_and_owner),
        cmocka_unit_test(test_unix_in_use_is_left),
        cmocka_unit_test(test_unix_full_queue_is_in_use),
        cmocka_unit_test(test_unix_stale_is_replaced),
        cmocka_unit_test(test_unix_bound_but_not_listening_yet),
        cmocka_unit_test(test_unix_other_files_are_left),
        cmocka_unit_test(test_unix_failure_leaves_no_file),
        cmocka_unit_test(test_unix_abstract),
        cmocka_unit_test(test_unlink_leaves_the_successor),
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_adopt_unix),
        cmocka_unit_test(test_adopt_refuses),
        cmocka_unit_test(test_somaxconn),
    };
    return cmocka_run_group_tests_name("listener", tests, setup, teardown);
}
