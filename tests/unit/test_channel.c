#include "support/tempdir.h"
#include "support/unit.h"

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

TEST(test_every_type)
{
    struct channel_message m;
    int fd = 77;
    for (uint32_t type = 0; type < CHANNEL_TYPES; type++) {
        assert_int_equal(channel_send(pair[0], type, type * 1000003, -1), 0);
        assert_int_equal(channel_receive(pair[1], &m, &fd), 1);
        assert_int_equal(m.type, type);
        assert_int_equal(m.value, type * 1000003);
        assert_int_equal(fd, -1);
    }
    assert_int_equal(channel_receive(pair[1], &m, &fd), -EAGAIN);
}

TEST(test_descriptor)
{
    struct channel_message m;
    struct stat sent, got;
    int fd, file = open("/", O_PATH | O_CLOEXEC);
    assert_int_equal(channel_send(pair[0], CHANNEL_REPLACE_LOG, 0, file), 0);
    assert_int_equal(fstat(file, &sent), 0); // the sender keeps its own
    assert_int_equal(channel_receive(pair[1], &m, &fd), 1);
    assert_true(fd >= 0 && fd != file);
    assert_int_equal(fstat(fd, &got), 0);
    assert_int_equal(got.st_ino, sent.st_ino);
    close(fd);
    close(file);
}

TEST(test_end_of_file)
{
    struct channel_message m;
    int fd;
    assert_int_equal(channel_send(pair[0], CHANNEL_STARTED, 7, -1), 0);
    close(pair[0]);
    assert_int_equal(channel_receive(pair[1], &m, &fd), 1);
    assert_int_equal(channel_receive(pair[1], &m, &fd), 0);
    assert_int_equal(channel_send(pair[1], CHANNEL_STARTED, 7, -1), -EPIPE);
    pair[0] = -1;
}

// Bytes that are no message are refused, and a descriptor that came with them closed.
TEST(test_not_a_message)
{
    static const struct {
        uint32_t words[3];
        size_t len;
        int want;
    } cases[] = {
        {{CHANNEL_TYPES, 0, 0}, 8, -EPROTO},      {{UINT32_MAX, 0, 0}, 8, -EPROTO},
        {{CHANNEL_STARTED, 0, 0}, 7, -EPROTO},    {{CHANNEL_STARTED, 0, 0}, 1, -EPROTO},
        {{CHANNEL_STARTED, 0, 0}, 12, -EMSGSIZE},
    };
    struct channel_message m = {.type = 99};
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
