#include "support/unit.h"

#include "sys/transmit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); // for sendfile only
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static int teardown(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static int temporary_file(const char *content)
{
    char name[] = "/tmp/tined-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    return fd;
}

TEST(test_receive)
{
    char data[8];
    assert_int_equal(transmit_receive(pair[0], data, sizeof(data)), -EAGAIN);
    assert_int_equal(write(pair[1], "abc", 3), 3);
    assert_int_equal(transmit_receive(pair[0], data, sizeof(data)), 3);
    shutdown(pair[1], SHUT_WR);
    assert_int_equal(transmit_receive(pair[0], data, sizeof(data)), 0);
}

TEST(test_parts_go_in_order)
{
    char data[16];
    struct iovec parts[] = {{(char[]){"head "}, 5}, {(char[]){"body"}, 4}};
    assert_int_equal(transmit_send(pair[0], parts, 2, false), 9);
    assert_int_equal(read(pair[1], data, sizeof(data)), 9);
    assert_memory_equal(data, "head body", 9);
}

TEST(test_a_full_socket_says_again)
{
    static char block[1 << 16];
    struct iovec part = {block, sizeof(block)};
    ssize_t n;
    while ((n = transmit_send(pair[0], &part, 1, false)) > 0)
        ;
    assert_int_equal(n, -EAGAIN);
}

TEST(test_nobody_reads)
{
    struct iovec part = {(char[]){"x"}, 1};
    int file = temporary_file("x");
    signal(SIGPIPE, SIG_DFL); // a raised one would end the test
    close(pair[1]);
    pair[1] = -1;
    assert_int_equal(transmit_send(pair[0], &part, 1, false), -EPIPE);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(transmit_file(pair[0], file, 0, 1), -EPIPE);
    close(file);
}

TEST(test_file)
{
    char data[16];
    int file = temporary_file("0123456789");
    assert_int_equal(transmit_file(pair[0], file, 2, 3), 3);
    assert_int_equal(transmit_file(pair[0], file, 8, 100), 2);
    assert_int_equal(read(pair[1], data, sizeof(data)), 5);
    assert_memory_equal(data, "23489", 5);
    assert_int_equal(transmit_file(pair[0], file, 10, 1), 0); // the file ends here
    close(file);
}

TEST(test_is_stream)
{
    static const struct {
        int type;
        bool listens, is_stream;
    } cases[] = {
        {SOCK_STREAM | SOCK_NONBLOCK, false, true},
        {SOCK_STREAM, false, false},
        {SOCK_STREAM | SOCK_NONBLOCK, true, false},
        {SOCK_DGRAM | SOCK_NONBLOCK, false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = socket(AF_INET, cases[i].type, 0);
        assert_true(fd >= 0);
        if (cases[i].listens)
            assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(transmit_is_stream(fd), cases[i].is_stream);
        close(fd);
    }
    int file = temporary_file("x");
    assert_false(transmit_is_stream(file));
    assert_false(transmit_is_stream(-1));
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_receive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts_go_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_socket_says_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test(test_is_stream),
    };
    return cmocka_run_group_tests_name("transmit", tests, NULL, NULL);
}
