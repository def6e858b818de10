#include "support/unit.h"

#include "sys/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(test_silence_without_a_manager)
{
    struct systemd_socket sockets[2];
    unsetenv("NOTIFY_SOCKET");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_PID");
    systemd_notify("READY=1");
    assert_int_equal(systemd_take_sockets(sockets, 2), 0);
}

#ifdef HAVE_LIBSYSTEMD

TEST(test_notify)
{
    static const char name[] = "@tined-test-notify";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[256];
    memcpy(address.sun_path + 1, name + 1, sizeof(name) - 2);
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    systemd_notify("READY=1\nSTATUS=serving");
    unsetenv("NOTIFY_SOCKET");
    ssize_t n = recv(manager, text, sizeof(text), 0);
    assert_true(n > 0);
    assert_slice(slice_make(text, (size_t)n), "READY=1\nSTATUS=serving");
    close(manager);
    // A manager that has gone is no error.
    setenv("NOTIFY_SOCKET", name, 1);
    systemd_notify("STOPPING=1");
    unsetenv("NOTIFY_SOCKET");
}

// As a service that systemd has started with `count` sockets: fds 3 and on.
static void become_service(int count, const char *names, bool for_us)
{
    char text[32];
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (dup2(fd, 3 + i) != 3 + i)
            _exit(2);
        if (fd >= 3 + count)
            close(fd);
    }
    snprintf(text, sizeof(text), "%d", count);
    setenv("LISTEN_FDS", text, 1);
    snprintf(text, sizeof(text), "%d", (int)getpid() + !for_us);
    setenv("LISTEN_PID", text, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
}

static bool environment_is_clean(void)
{
    return !getenv("LISTEN_FDS") && !getenv("LISTEN_PID") && !getenv("LISTEN_FDNAMES");
}

static bool takes_by_name(void)
{
    struct systemd_socket s[4];
    become_service(2, "http:admin", true);
    return systemd_take_sockets(s, ARRAY_SIZE(s)) == 2 && s[0].fd == 3 && s[1].fd == 4 &&
           strcmp(s[0].name, "http") == 0 && strcmp(s[1].name, "admin") == 0 &&
           (fcntl(3, F_GETFD) & FD_CLOEXEC) && (fcntl(4, F_GETFD) & FD_CLOEXEC) &&
           environment_is_clean() && systemd_take_sockets(s, ARRAY_SIZE(s)) == 0;
}

static bool takes_without_names(void)
{
    struct systemd_socket s[4];
    become_service(1, NULL, true);
    return systemd_take_sockets(s, ARRAY_SIZE(s)) == 1 && strcmp(s[0].name, "unknown") == 0;
}

static bool takes_without_a_good_name(void)
{
    char names[300 + sizeof(":http:a\nb")];
    struct systemd_socket s[4];
    memset(names, 'x', 300);
    strcpy(names + 300, ":http:a\nb");
    become_service(3, names, true);
    if (systemd_take_sockets(s, ARRAY_SIZE(s)) != 3 || strcmp(s[0].name, "unknown") != 0 ||
        strcmp(s[1].name, "http") != 0 || strcmp(s[2].name, "unknown") != 0)
        return false;
    become_service(2, ":http", true);
    return systemd_take_sockets(s, ARRAY_SIZE(s)) == 2 && strcmp(s[0].name, "unknown") == 0 &&
           strcmp(s[1].name, "http") == 0;
}

static bool refuses_too_many(void)
{
    struct systemd_socket s[2] = {{.fd = -7}, {.fd = -7}};
    become_service(3, "a:b:c", true);
    return systemd_take_sockets(s, ARRAY_SIZE(s)) == -E2BIG && s[0].fd == -7 && s[1].fd == -7 &&
           environment_is_clean();
}

static bool leaves_those_of_another_process(void)
{
    struct systemd_socket s[2];
    become_service(1, "http", false);
    return systemd_take_sockets(s, ARRAY_SIZE(s)) == 0;
}

// Each in a process of its own.
static void run_cases(bool (*const *cases)(void), size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(cases[i]() ? 0 : 1);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (status != 0)
            fail_msg("case %zu: status %#x", i, (unsigned)status);
    }
}

TEST(test_sockets)
{
    static bool (*const cases[])(void) = {takes_by_name, takes_without_names,
                                          takes_without_a_good_name, refuses_too_many,
                                          leaves_those_of_another_process};
    run_cases(cases, ARRAY_SIZE(cases));
}

// Asks in a child of this process, whose environment is its own.
static bool watchdog_is(const char *us, int64_t want)
{
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", us, 1);
    return systemd_watchdog() == want;
}

static bool wants_signs_of_life(void)
{
    return systemd_watchdog() == 0 && watchdog_is("30000000", 30000) && watchdog_is("1500", 1) &&
           watchdog_is("x", 0) && systemd_watchdog() == 0;
}

static bool leaves(void)
{
    setenv("NOTIFY_SOCKET", "@nobody", 1);
    bool had = systemd_has_manager() && watchdog_is("30000000", 30000);
    systemd_leave();
    return had && !systemd_has_manager() && systemd_watchdog() == 0;
}

TEST(test_environment)
{
    static bool (*const cases[])(void) = {wants_signs_of_life, leaves};
    run_cases(cases, ARRAY_SIZE(cases));
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_without_a_manager),
#ifdef HAVE_LIBSYSTEMD
        cmocka_unit_test(test_notify),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_environment),
#endif
    };
    return cmocka_run_group_tests_name("systemd", tests, NULL, NULL);
}
