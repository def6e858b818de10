#include "support/unit.h"

#include "sys/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77

#ifdef HAVE_LIBSYSTEMD

// In a child: a /run of its own, in which it is the journal. A socket, or never.
static int become_journal(const char *path, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", "/run", "tmpfs", 0, NULL) < 0)
        _exit(SKIPPED);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0 || fd < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        _exit(1);
    return fd;
}

static void in_child(bool (*run)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(run() ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(status, 0);
}

static bool is_heard(int fd, const char *want)
{
    char text[8192];
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    text[MAX(n, 0)] = '\0';
    if (strcmp(text, want) == 0)
        return true;
    fprintf(stderr, "got:\n%swant:\n%s", text, want);
    return false;
}

static bool sends_fields(void)
{
    int fd = become_journal("/run/systemd/journal/socket", SOCK_DGRAM);
    const struct event_fields none = {0}, all = {7, 2, 1234, EACCES, "/srv/www"};
    struct log_record line = {3, "tined", "no = more", NULL, NULL, &none};
    struct log_record event = {4, "tined", "gone", "worker-died", "0123", &all};
    return journal_log(&line) &&
           is_heard(fd, "MESSAGE=no = more\nSYSLOG_IDENTIFIER=tined\nPRIORITY=3\n") &&
           journal_log(&event) &&
           is_heard(fd,
                    "MESSAGE=gone\nSYSLOG_IDENTIFIER=tined\nPRIORITY=4\nTINED_EVENT=worker-died\n"
                    "MESSAGE_ID=0123\nTINED_SITE=/srv/www\nTINED_GENERATION=7\nTINED_WORKER=2\n"
                    "TINED_WORKER_PID=1234\nERRNO=13\n");
}

TEST(test_fields)
{
    in_child(sends_fields);
}

// A field that is too long does not take the others with it.
static bool leaves_out_what_is_long(void)
{
    int fd = become_journal("/run/systemd/journal/socket", SOCK_DGRAM);
    static char site[5000];
    memset(site, 'x', sizeof(site) - 1);
    const struct event_fields fields = {.site = site, .generation = 3};
    struct log_record line = {3, "tined", "text", NULL, NULL, &fields};
    return journal_log(&line) &&
           is_heard(fd, "MESSAGE=text\nSYSLOG_IDENTIFIER=tined\nPRIORITY=3\nTINED_GENERATION=3\n");
}

TEST(test_long_fields)
{
    in_child(leaves_out_what_is_long);
}

static bool fails_without_journal(void)
{
    const struct event_fields none = {0};
    struct log_record line = {3, NULL, "text", NULL, NULL, &none};
    int fd = become_journal("/run/other", SOCK_DGRAM);
    return fd >= 0 && journal_open_stream("tined") == -ENOENT && !journal_log(&line);
}

TEST(test_no_journal)
{
    in_child(fails_without_journal);
}

static bool opens_a_stream(void)
{
    char text[256] = "";
    int fd = become_journal("/run/systemd/journal/stdout", SOCK_STREAM);
    if (listen(fd, 1) < 0)
        return false;
    int stream = journal_open_stream("tined");
    if (stream < 0 || !(fcntl(stream, F_GETFL) & O_NONBLOCK) || write(stream, "line\n", 5) != 5)
        return false;
    int reader = accept(fd, NULL, NULL);
    // Identifier, unit, priority, "<N>" is not looked for, and no forwarding.
    return read(reader, text, sizeof(text) - 1) > 0 &&
           strcmp(text, "tined\n\n6\n0\n0\n0\n0\nline\n") == 0;
}

TEST(test_stream)
{
    in_child(opens_a_stream);
}

#else

TEST(test_none)
{
    const struct event_fields none = {0};
    const struct log_record line = {3, "tined", "text", NULL, NULL, &none};
    assert_false(journal_log(&line));
    assert_int_equal(journal_open_stream("tined"), -ENOSYS);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HAVE_LIBSYSTEMD
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_no_journal),
        cmocka_unit_test(test_stream),
#else
        cmocka_unit_test(test_none),
#endif
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
