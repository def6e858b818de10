#include "support/unit.h"

#include "daemon/listener_notes.h"
#include "sys/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct listener_notes notes;
static struct listeners listeners;

static int open_listener(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (family != AF_UNIX)
        assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static struct listeners_entry *add(int fd, bool inherited)
{
    const struct listeners_entry entry = {.fd = fd, .inherited = inherited};
    assert_true(listeners_append(&listeners, &entry));
    return &listeners.items[listeners.count - 1];
}

static int least_ttl(int fd)
{
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_MINTTL, &value, &size), 0);
    return value;
}

static void set_least_ttl(int fd, int value)
{
    assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MINTTL, &value, sizeof(value)), 0);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < listeners.count; i++)
        if (listeners.items[i].fd >= 0)
            close(listeners.items[i].fd);
    free(listeners.items);
    listeners = (struct listeners){0};
    listener_notes_cleanup(&notes);
    return 0;
}

// The first look takes what is there; what others get later is the same socket.
TEST(test_looks)
{
    int fd = open_listener(AF_INET);
    add(fd, false);
    add(dup(fd), false);
    add(-1, false); // planned only
    add(open_listener(AF_UNIX), false);
    set_least_ttl(fd, 7);
    listener_notes_look(&notes, &listeners);
    assert_int_equal(notes.count, 1);
    set_least_ttl(fd, 255);
    listener_notes_look(&notes, &listeners);
    assert_int_equal(least_ttl(fd), 7);
    assert_int_equal(notes.count, 1);
}

TEST(test_spoilt)
{
    struct listeners_entry *entry = add(open_listener(AF_INET6), true);
    listener_notes_look(&notes, &listeners);
    assert_false(entry->is_spoilt);
    assert_int_equal(shutdown(entry->fd, SHUT_RDWR), 0);
    listener_notes_look(&notes, &listeners);
    assert_true(entry->is_spoilt);
    listener_notes_look(&notes, &listeners);
    assert_true(entry->is_spoilt);
}

TEST(test_forgets)
{
    struct systemd_socket passed = {.fd = open_listener(AF_INET)};
    const struct listeners_inherited inherited = {&passed, 1};
    add(open_listener(AF_INET), false);
    add(passed.fd, true);
    add(open_listener(AF_INET), false);
    listener_notes_look(&notes, &listeners);
    assert_int_equal(notes.count, 3);
    const struct listeners kept = {.items = listeners.items, .count = 1};
    listener_notes_forget(&notes, &kept, &inherited);
    assert_int_equal(notes.count, 2);
    assert_int_equal(notes.items[1].inode, listener_inode(passed.fd));
    listener_notes_forget(&notes, &(struct listeners){0}, &(struct listeners_inherited){0});
    assert_int_equal(notes.count, 0);
}

// Another process, to which the sockets are passed, knows them by it.
TEST(test_text)
{
    static char text[32768];
    struct buf b = buf_make(text, sizeof(text));
    struct listener_notes read = {0};
    int fd = open_listener(AF_INET);
    add(fd, false);
    add(open_listener(AF_INET6), false);
    listener_notes_look(&notes, &listeners);
    listener_notes_format(&b, &notes);
    assert_false(b.overflow);
    assert_true(b.len <= listener_notes_size(&notes));
    listener_notes_parse(buf_slice(&b), &read);
    assert_int_equal(read.count, 2);
    set_least_ttl(fd, 255);
    listener_notes_look(&read, &listeners);
    assert_int_equal(least_ttl(fd), 0);
    assert_int_equal(read.count, 2);
    listener_notes_cleanup(&read);
}

TEST(test_text_of_others)
{
    static const struct {
        const char *text;
        size_t count;
    } cases[] = {
        {"", 0},
        {"17 IP_MINTTL=00000000\n18 SO_OF_TOMORROW=00\n", 2},
        {"17 IP_MINTTL=00000000\nx IP_MINTTL=00000000\n18 IP_MINTTL=00000000\n", 1},
        {"17 IP_MINTTL\n", 0},
        {"17\n", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listener_notes read = {0};
        listener_notes_parse(slice_of(cases[i].text), &read);
        assert_int_equal(read.count, cases[i].count);
        listener_notes_cleanup(&read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_looks, tear_down),
        cmocka_unit_test_teardown(test_spoilt, tear_down),
        cmocka_unit_test_teardown(test_forgets, tear_down),
        cmocka_unit_test_teardown(test_text, tear_down),
        cmocka_unit_test(test_text_of_others),
    };
    return cmocka_run_group_tests_name("listener_notes", tests, NULL, NULL);
}
