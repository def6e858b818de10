#include "tempdir.h"
#include "unit.h"

#include "server/channel.h"
#include "sys/fdpass.h"

#include <errno.h>

static int pair[2];

static int open_pair(void **state)
{
    (void)state;
    return fdpass_pair(pair);
}

static int close_pair(void **state)
{
    (void)state;
    close(pair[0]);
    close(pair[1]);
    return 0;
}

static void test_every_type(void **state)
{
    struct channel_message m;
    int fd = 77;
    (void)state;
    for (uint32_t type = 0; type < CHANNEL_TYPES; type++) {
        assert_int_equal(channel_send(pair[0], type, type * 1000003, -1), 0);
        assert_int_equal(channel_receive(pair[1], &m, &fd), 1);
        assert_int_equal(m.type, type);
        assert_int_equal(m.value, type * 1000003);
        assert_int_equal(fd, -1);
    }
    assert_int_equal(channel_receive(pair[1], &m, &fd), -EAGAIN);
}

static void test_descriptor(void **state)
{
    struct channel_message m;
    struct stat sent, got;
    int fd, file = open("/", O_PATH | O_CLOEXEC);
    (void)state;
    assert_int_equal(channel_send(pair[0], CHANNEL_LOG, 0, file), 0);
    assert_int_equal(fstat(file, &sent), 0); // the sender keeps its own
    assert_int_equal(channel_receive(pair[1], &m, &fd), 1);
    assert_true(fd >= 0 && fd != file);
    assert_int_equal(fstat(fd, &got), 0);
    assert_int_equal(got.st_ino, sent.st_ino);
    close(fd);
    close(file);
}

static void test_end_of_file(void **state)
{
    struct channel_message m;
    int fd;
    (void)state;
    assert_int_equal(channel_send(pair[0], CHANNEL_READY, 7, -1), 0);
    close(pair[0]);
    assert_int_equal(channel_receive(pair[1], &m, &fd), 1);
    assert_int_equal(channel_receive(pair[1], &m, &fd), 0);
    assert_int_equal(channel_send(pair[1], CHANNEL_READY, 7, -1), -EPIPE);
    pair[0] = -1;
}

// What is no message is refused, and a descriptor that came with it closed.
static void test_not_a_message(void **state)
{
    static const struct {
        uint32_t words[3];
        size_t len;
        int want;
    } cases[] = {
        {{CHANNEL_TYPES, 0, 0}, 8, -EPROTO},    {{UINT32_MAX, 0, 0}, 8, -EPROTO},
        {{CHANNEL_READY, 0, 0}, 7, -EPROTO},    {{CHANNEL_READY, 0, 0}, 1, -EPROTO},
        {{CHANNEL_READY, 0, 0}, 12, -EMSGSIZE},
    };
    struct channel_message m = {.type = 99};
    (void)state;
    size_t before = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int fd = 77;
        assert_int_equal(fdpass_send(pair[0], cases[i].words, cases[i].len, 0), 0);
        assert_int_equal(channel_receive(pair[1], &m, &fd), cases[i].want);
        assert_int_equal(m.type, 99);
        assert_int_equal(fd, 77);
        assert_int_equal(count_fds(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_type, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_descriptor, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_end_of_file, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_not_a_message, open_pair, close_pair),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
