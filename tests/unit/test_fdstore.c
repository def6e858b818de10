#include "support/unit.h"

#include "daemon/fdstore.h"
#include "daemon/totals.h"
#include "sys/listener.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// A listening socket on a port of 127.0.0.1 that the kernel chooses.
static int open_listener(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static struct systemd_socket named(int fd, const char *name)
{
    struct systemd_socket s = {.fd = fd};
    snprintf(s.name, sizeof(s.name), "%s", name);
    return s;
}

TEST(test_takes_what_was_stored)
{
    int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct fdstore s = {.totals = -1};
    struct systemd_socket sockets[] = {
        named(open_listener(), "http"),
        named(open_listener(), "tined-listener-17"),
        named(file, "tined-listener-18"), // no socket
        named(memfd_create("test", MFD_CLOEXEC), "tined-totals"),
        named(open_listener(), "admin"),
    };
    assert_int_equal(fdstore_take(&s, sockets, ARRAY_SIZE(sockets)), 2);
    assert_string_equal(sockets[0].name, "http");
    assert_string_equal(sockets[1].name, "admin");
    assert_int_equal(s.listeners.count, 1);
    struct endpoint at;
    assert_int_equal(listener_address(s.listeners.items[0].fd, &at), 0);
    assert_true(endpoint_equal(&at, &s.listeners.items[0].wanted));
    assert_true(s.totals >= 0);
    assert_int_equal(fcntl(file, F_GETFD), -1);
    fdstore_cleanup(&s);
    close(sockets[0].fd);
    close(sockets[1].fd);
}

TEST(test_totals)
{
    struct fdstore s = {.totals = -1};
    struct counters counts = {.requests = 7, .sent = COUNTERS_MAX}, got = {.accepted = 5};
    assert_false(fdstore_read_totals(&s, &got));
    fdstore_write_totals(&s, &counts);
    assert_true(s.totals >= 0);
    counts.requests = 8;
    fdstore_write_totals(&s, &counts);
    assert_true(fdstore_read_totals(&s, &got));
    assert_memory_equal(&got, &counts, sizeof(got));

    // A text that is shorter than the one before it ends where it should.
    counts = (struct counters){.sent = 1};
    fdstore_write_totals(&s, &counts);
    assert_true(fdstore_read_totals(&s, &got));
    assert_memory_equal(&got, &counts, sizeof(got));
    fdstore_cleanup(&s);
}

TEST(test_notes)
{
    struct fdstore s = {.totals = -1};
    struct listener_notes notes = {0}, got = {0};
    listener_notes_parse(SLICE("17 IP_MINTTL=00000000\n18 IP_TTL=01000000\n"), &notes);
    fdstore_read_notes(&s, &got);
    assert_int_equal(got.count, 0);
    fdstore_write_notes(&s, &notes);
    assert_true(s.notes > 0);
    notes.count = 1; // a shorter text than before
    fdstore_write_notes(&s, &notes);
    fdstore_read_notes(&s, &got);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.items[0].inode, 17);
    assert_memory_equal(&got.items[0].note, &notes.items[0].note, sizeof(got.items[0].note));
    listener_notes_cleanup(&notes);
    listener_notes_cleanup(&got);
    assert_int_equal(ftruncate(s.notes, 3), 0);
    fdstore_read_notes(&s, &got);
    assert_int_equal(got.count, 0);
    fdstore_cleanup(&s);
    assert_int_equal(s.notes, 0);
}

TEST(test_totals_of_others)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t requests, sent;
    } cases[] = {
        {"tined-totals 2\nend\n", true, 0, 0},
        {"tined-totals 2\nsent_bytes 5\nof_a_later_version 6\nrequests 7\nend\n", true, 7, 5},
        {"tined-totals 2\nrequests 7\nend\nrequests 8\n", true, 7, 0}, // the rest of a longer one
        {"", false, 3, 3},
        {"\1\0\0\0\0\0\0\0", false, 3, 3}, // as a struct, before there were keys
        {"tined-totals 1\nend\n", false, 3, 3},
        {"tined-totals 3\nend\n", false, 3, 3},
        {"tined-totals 2\nrequests 7\n", false, 3, 3}, // cut off
        {"tined-totals 2\nrequests 9007199254740992\nend\n", false, 3, 3},
        {"tined-totals 2\nrequests 7 8\nend\n", false, 3, 3},
        {"tined-totals 2\nrequests\nend\n", false, 3, 3},
        {"tined-totals 2\n\nend\n", false, 3, 3},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fdstore s = {.totals = memfd_create("test", MFD_CLOEXEC)};
        struct counters got = {.requests = 3, .sent = 3};
        size_t len = strlen(cases[i].text);
        assert_int_equal(pwrite(s.totals, cases[i].text, len, 0), len);
        if (fdstore_read_totals(&s, &got) != cases[i].good || got.requests != cases[i].requests ||
            got.sent != cases[i].sent || got.accepted != 0)
            fail_msg("case %zu: %s", i, cases[i].text);
        fdstore_cleanup(&s);
    }
}

#ifdef HAVE_LIBSYSTEMD

static int manager;

static void begin_manager(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "tined-test-store-%d", (int)getpid());
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                                strlen(un.sun_path + 1));
    char name[120];
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&un, len), 0);
    snprintf(name, sizeof(name), "@%s", un.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
}

// The next message; *ret_fd is what came with it, or -1.
static const char *hear(int *ret_fd)
{
    static char text[512];
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec iov = {text, sizeof(text) - 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(manager, &m, MSG_CMSG_CLOEXEC);
    text[MAX(n, 0)] = '\0';
    *ret_fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (n > 0 && c && c->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
    return text;
}

static void add(struct listeners *l, int fd, bool inherited)
{
    struct listeners_entry *e = &l->items[l->count++];
    *e = (struct listeners_entry){.fd = fd, .inherited = inherited};
    assert_int_equal(listener_address(fd, &e->wanted), 0);
}

static unsigned long long inode_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return (unsigned long long)st.st_ino;
}

TEST(test_keeps_what_is_current)
{
    struct listeners_entry new_items[4], old_items[4];
    struct listeners current = {.items = new_items}, previous = {.items = old_items};
    int both = open_listener(), fresh = open_listener(), gone = open_listener(),
        unit = open_listener();
    char want[128];
    int fd;
    add(&current, both, false);
    add(&current, fresh, false);
    add(&current, unit, true);
    add(&previous, both, false);
    add(&previous, gone, false);
    begin_manager();
    fdstore_keep(&current, &previous);
    snprintf(want, sizeof(want), "FDSTORE=1\nFDNAME=tined-listener-%llu", inode_of(fresh));
    assert_string_equal(hear(&fd), want);
    assert_int_equal(inode_of(fd), inode_of(fresh));
    close(fd);
    snprintf(want, sizeof(want), "FDSTOREREMOVE=1\nFDNAME=tined-listener-%llu", inode_of(gone));
    assert_string_equal(hear(&fd), want);
    assert_int_equal(fd, -1);
    assert_string_equal(hear(&fd), "");
    unsetenv("NOTIFY_SOCKET");
    close(manager);
    close(both);
    close(fresh);
    close(gone);
    close(unit);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_what_was_stored),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_totals_of_others),
#ifdef HAVE_LIBSYSTEMD
        cmocka_unit_test(test_keeps_what_is_current),
#endif
    };
    return cmocka_run_group_tests_name("fdstore", tests, NULL, NULL);
}
