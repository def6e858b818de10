#include "support/unit.h"

#include "sys/fdpass.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int pair[2];

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_DFL); // a raised one would end the test
    return fdpass_pair(pair);
}

static int teardown(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

// The lowest free descriptor: the same before and after when none was left open.
static int lowest_free(void)
{
    int fd = dup(pair[0]);
    close(fd);
    return fd;
}

static bool same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

TEST(test_pair)
{
    for (int i = 0; i < 2; i++) {
        assert_true(fcntl(pair[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(pair[i], F_GETFD) & FD_CLOEXEC);
    }
}

TEST(test_messages_stay_whole)
{
    char data[16];
    int fd = 99;
    assert_int_equal(fdpass_send(pair[0], "one", 3, -1), 0);
    assert_int_equal(fdpass_send(pair[0], "three", 5, -1), 0);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 3);
    assert_int_equal(fd, -1);
    assert_memory_equal(data, "one", 3);
    assert_int_equal(fdpass_receive(pair[1], data, 5, &fd), 5);
    assert_memory_equal(data, "three", 5);
}

TEST(test_descriptor)
{
    char data[16];
    int fd = -1, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fdpass_send(pair[0], "x", 1, null), 0);
    assert_true(fcntl(null, F_GETFD) >= 0); // the sender keeps its own
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 1);
    assert_true(fd >= 0 && fd != null);
    assert_true(same_file(fd, null));
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
    close(null);
}

TEST(test_nothing_there)
{
    char data[16];
    int fd = 99;
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), -EAGAIN);
    assert_int_equal(fd, 99);
    assert_int_equal(fdpass_send(-1, "x", 1, -1), -EBADF);
    assert_int_equal(fdpass_receive(-1, data, sizeof(data), &fd), -EBADF);
    assert_int_equal(fdpass_send(pair[0], "x", 1, 9999), -EBADF);
}

TEST(test_full)
{
    char block[4096] = {0};
    int r = 0, sent = 0;
    while (r == 0 && sent < 10000) {
        r = fdpass_send(pair[0], block, sizeof(block), -1);
        sent += r == 0;
    }
    assert_int_equal(r, -EAGAIN);
    int fd, received = 0;
    while (fdpass_receive(pair[1], block, sizeof(block), &fd) == sizeof(block))
        received++;
    assert_int_equal(received, sent);
}

TEST(test_end_of_file)
{
    char data[16];
    int fd;
    assert_int_equal(fdpass_send(pair[0], "last", 4, -1), 0);
    close(pair[0]);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 4);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 0);
    assert_int_equal(fdpass_send(pair[1], "x", 1, -1), -EPIPE);
    pair[0] = -1;
}

// The kernel says ECONNRESET once when what was sent to the other end was never read.
TEST(test_end_of_file_with_unread_messages)
{
    char data[16];
    int fd;
    assert_int_equal(fdpass_send(pair[1], "unread", 6, -1), 0);
    close(pair[0]);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 0);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 0);
    assert_int_equal(fdpass_send(pair[1], "x", 1, -1), -EPIPE);
    pair[0] = -1;
}

TEST(test_too_long)
{
    char data[4];
    int fd = 99, before = lowest_free();
    assert_int_equal(fdpass_send(pair[0], "12345", 5, pair[0]), 0);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), -EMSGSIZE);
    assert_int_equal(fd, 99);
    assert_int_equal(lowest_free(), before);
    // The next message is not harmed.
    assert_int_equal(fdpass_send(pair[0], "1234", 4, -1), 0);
    assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), 4);
}

// Sends more descriptors at once than fdpass_send() ever does.
static void send_many(int sock, int count)
{
    union {
        char bytes[CMSG_SPACE(8 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part = {(char[]){'x'}, 1};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
    for (int i = 0; i < count; i++)
        memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &sock, sizeof(int));
    assert_int_equal(sendmsg(sock, &m, 0), 1);
}

TEST(test_more_than_one_descriptor)
{
    char data[4];
    int before = lowest_free();
    for (int count = 2; count <= 8; count++) {
        int fd = 99;
        send_many(pair[0], count);
        assert_int_equal(fdpass_receive(pair[1], data, sizeof(data), &fd), -EMSGSIZE);
        assert_int_equal(fd, 99);
        assert_int_equal(lowest_free(), before);
    }
}

TEST(test_no_descriptor_free)
{
    struct rlimit limit, none;
    char data[4];
    int fd = 99;
    assert_int_equal(fdpass_send(pair[0], "x", 1, pair[0]), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)lowest_free();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ssize_t n = fdpass_receive(pair[1], data, sizeof(data), &fd);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(n, -EMSGSIZE);
    assert_int_equal(fd, 99);
}

TEST(test_two_descriptors_and_parts)
{
    char data[16];
    int fds[FDPASS_MAX] = {-1, -1}, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int before = lowest_free();
    size_t count = 99;
    const struct iovec parts[] = {{(char[]){"one "}, 4}, {NULL, 0}, {(char[]){"two"}, 3}};
    const int sent[] = {null, pair[0]};
    assert_int_equal(fdpass_send_parts(pair[0], parts, 3, sent, 2), 0);
    assert_int_equal(fdpass_receive_many(pair[1], data, sizeof(data), fds, &count), 7);
    assert_memory_equal(data, "one two", 7);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(same_file(fds[i], sent[i]));
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        close(fds[i]);
    }
    assert_int_equal(fdpass_send_parts(pair[0], parts, 1, NULL, 0), 0);
    assert_int_equal(fdpass_receive_many(pair[1], data, sizeof(data), fds, &count), 4);
    assert_int_equal(count, 0);
    for (int n = 3; n <= 8; n++) { // one more than fits, up to what alignment leaves room for
        count = 99;
        send_many(pair[0], n);
        assert_int_equal(fdpass_receive_many(pair[1], data, sizeof(data), fds, &count), -EMSGSIZE);
        assert_int_equal(count, 99);
    }
    assert_int_equal(fdpass_receive_many(pair[1], data, sizeof(data), fds, &count), -EAGAIN);
    assert_int_equal(lowest_free(), before);
    close(null);
}

// Two come and there is room for one: both are lost, and none is left behind.
TEST(test_one_descriptor_free)
{
    struct rlimit limit, few;
    char data[4];
    int fds[FDPASS_MAX], before = lowest_free();
    size_t count = 99;
    send_many(pair[0], 2);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)before + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    ssize_t n = fdpass_receive_many(pair[1], data, sizeof(data), fds, &count);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(n, -EMSGSIZE);
    assert_int_equal(count, 99);
    assert_int_equal(lowest_free(), before);
}

// More goes at once than by default, also in one message.
TEST(test_enlarged)
{
    static char large[250000], got[sizeof(large)];
    int fd;
    const int small = 10000;
    assert_int_equal(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
    assert_int_equal(fdpass_send(pair[0], large, sizeof(large), -1), -EMSGSIZE);
    fdpass_enlarge(pair[0], sizeof(large));
    memset(large, 'x', sizeof(large));
    assert_int_equal(fdpass_send(pair[0], large, sizeof(large), -1), 0);
    assert_int_equal(fdpass_receive(pair[1], got, sizeof(got), &fd), sizeof(got));
    assert_memory_equal(got, large, sizeof(got));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pair),
        CASE(test_messages_stay_whole),
        CASE(test_descriptor),
        CASE(test_nothing_there),
        CASE(test_full),
        CASE(test_end_of_file),
        CASE(test_end_of_file_with_unread_messages),
        CASE(test_too_long),
        CASE(test_more_than_one_descriptor),
        CASE(test_no_descriptor_free),
        CASE(test_two_descriptors_and_parts),
        CASE(test_one_descriptor_free),
        CASE(test_enlarged),
    };
    return cmocka_run_group_tests_name("fdpass", tests, NULL, NULL);
}
