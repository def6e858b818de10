#include "support/unit.h"

#include "sys/listener_note.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define TEXT_MAX 8192

static int open_listener(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    const struct sockaddr_in6 any = {.sin6_family = (sa_family_t)family};
    assert_int_equal(bind(fd, (const struct sockaddr *)&any,
                          family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(any)),
                     0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static void set(int fd, int level, int name, const void *value, socklen_t size)
{
    assert_int_equal(setsockopt(fd, level, name, value, size), 0);
}

// Restores, and gives the names.
static enum listener_note_result restore(int fd, struct listener_note *note,
                                         char names[static TEXT_MAX])
{
    struct buf b = buf_make(names, TEXT_MAX - 1);
    enum listener_note_result r = listener_note_restore(fd, note, &b);
    names[b.len] = '\0';
    return r;
}

// Each number is none that a socket has by itself.
static const struct {
    int family, level, name, value;
    const char *names; // those that are set back
} numbers[] = {
    {AF_INET, IPPROTO_IP, IP_MINTTL, 255, "IP_MINTTL"},
    {AF_INET, IPPROTO_IP, IP_TTL, 1, "IP_TTL"},
    {AF_INET, IPPROTO_IP, IP_TOS, 8, "IP_TOS"}, // and SO_PRIORITY with it
    {AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, "IP_MTU_DISCOVER"},
    {AF_INET, IPPROTO_IP, IP_RECVERR, 1, "IP_RECVERR"},
    {AF_INET, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
    {AF_INET, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT"},
    {AF_INET, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
    {AF_INET, SOL_SOCKET, SO_OOBINLINE, 1, "SO_OOBINLINE"},
    {AF_INET, SOL_SOCKET, SO_DONTROUTE, 1, "SO_DONTROUTE"},
    {AF_INET, SOL_SOCKET, SO_ZEROCOPY, 1, "SO_ZEROCOPY"},
    {AF_INET, SOL_SOCKET, SO_MAX_PACING_RATE, 1, "SO_MAX_PACING_RATE"},
    {AF_INET, SOL_SOCKET, SO_INCOMING_CPU, 1, "SO_INCOMING_CPU"},
    {AF_INET, SOL_SOCKET, SO_RCVLOWAT, 1000, "SO_RCVLOWAT"},
    {AF_INET, SOL_SOCKET, SO_PRIORITY, 3, "SO_PRIORITY"},
    {AF_INET, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"},
    {AF_INET, IPPROTO_TCP, TCP_CORK, 1, "TCP_CORK"},
    {AF_INET, IPPROTO_TCP, TCP_MAXSEG, 88, "TCP_MAXSEG"},
    {AF_INET, IPPROTO_TCP, TCP_WINDOW_CLAMP, 2000, "TCP_WINDOW_CLAMP"},
    {AF_INET, IPPROTO_TCP, TCP_KEEPIDLE, 1, "TCP_KEEPIDLE"},
    {AF_INET, IPPROTO_TCP, TCP_KEEPINTVL, 1, "TCP_KEEPINTVL"},
    {AF_INET, IPPROTO_TCP, TCP_KEEPCNT, 1, "TCP_KEEPCNT"},
    {AF_INET, IPPROTO_TCP, TCP_LINGER2, 1, "TCP_LINGER2"},
    {AF_INET, IPPROTO_TCP, TCP_USER_TIMEOUT, 1, "TCP_USER_TIMEOUT"},
    {AF_INET, IPPROTO_TCP, TCP_DEFER_ACCEPT, 100, "TCP_DEFER_ACCEPT"},
    {AF_INET, IPPROTO_TCP, TCP_FASTOPEN, 7, "TCP_FASTOPEN"},
    {AF_INET, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1, "TCP_NOTSENT_LOWAT"},
    {AF_INET, IPPROTO_TCP, TCP_SAVE_SYN, 1, "TCP_SAVE_SYN"},
    {AF_INET6, IPPROTO_IPV6, IPV6_MINHOPCOUNT, 255, "IPV6_MINHOPCOUNT"},
    {AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1, "IPV6_UNICAST_HOPS"},
    {AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, 8, "IPV6_TCLASS"},
    {AF_INET6, IPPROTO_IPV6, IPV6_RECVERR, 1, "IPV6_RECVERR"},
    {AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE, "IPV6_MTU_DISCOVER"},
    {AF_INET6, IPPROTO_IP, IP_MINTTL, 255, "IP_MINTTL"}, // for clients of IPv4
};

TEST(test_numbers)
{
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        char names[TEXT_MAX];
        struct listener_note note;
        int fd = open_listener(numbers[i].family);
        listener_note_take(fd, &note);
        assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_SAME);
        assert_string_equal(names, "");
        if (setsockopt(fd, numbers[i].level, numbers[i].name, &numbers[i].value, sizeof(int)) ==
            0) {
            assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_RESTORED);
            assert_string_equal(names, numbers[i].names);
        } else { // the kernel is older
            print_message("%s cannot be set here\n", numbers[i].names);
        }
        assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_SAME);
        close(fd);
    }
}

// A value that was there from the beginning, from a socket unit perhaps, is what is wanted.
TEST(test_wanted)
{
    const int wanted = 33, other = 44;
    char names[TEXT_MAX];
    struct listener_note note;
    int value = 0, fd = open_listener(AF_INET);
    socklen_t size = sizeof(value);
    set(fd, IPPROTO_IP, IP_TTL, &wanted, sizeof(wanted));
    listener_note_take(fd, &note);
    set(fd, IPPROTO_IP, IP_TTL, &other, sizeof(other));
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_RESTORED);
    assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TTL, &value, &size), 0);
    assert_int_equal(value, wanted);
    close(fd);
}

// A setting of the system has changed meanwhile, as far as a note can tell.
TEST(test_follows_the_system)
{
    const int first = 33, unset = -1;
    char names[TEXT_MAX];
    struct listener_note note;
    int fd = open_listener(AF_INET);
    set(fd, IPPROTO_IP, IP_TTL, &first, sizeof(first));
    listener_note_take(fd, &note);
    set(fd, IPPROTO_IP, IP_TTL, &unset, sizeof(unset));
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_SAME);
    close(fd);
}

TEST(test_longer_values)
{
    const struct linger linger = {1, 0};
    const unsigned char route[] = {131, 7, 4, 127, 0, 0, 2, 0};
    char names[TEXT_MAX];
    struct listener_note note;
    int fd = open_listener(AF_INET);
    listener_note_take(fd, &note);
    set(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    if (setsockopt(fd, IPPROTO_IP, IP_OPTIONS, route, sizeof(route)) < 0) {
        close(fd);
        skip(); // only root may
    }
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_RESTORED);
    assert_memory_equal(names, "SO_LINGER, IP_OPTIONS", 21); // TCP_MAXSEG may follow
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_SAME);
    close(fd);
}

// Their lock is undone as well, where the kernel tells of it (5.14).
TEST(test_buffers)
{
    const int small = 1;
    char names[TEXT_MAX];
    struct listener_note note;
    int fd = open_listener(AF_INET);
    listener_note_take(fd, &note);
    set(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    set(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    if (restore(fd, &note, names) == LISTENER_NOTE_SPOILT)
        assert_string_equal(names, "SO_RCVBUF, SO_SNDBUF");
    else
        assert_string_equal(names, "SO_RCVBUF, SO_SNDBUF, SO_BUF_LOCK");
    close(fd);
}

TEST(test_queue_and_flags)
{
    char names[TEXT_MAX];
    struct listener_note note;
    int fd = open_listener(AF_INET);
    listener_note_take(fd, &note);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_RESTORED);
    assert_string_equal(names, "O_NONBLOCK, backlog");
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    close(fd);
}

// False: it is forbidden here.
static bool attach_filter(int fd)
{
    struct sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog program = {1, &drop_all};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

TEST(test_filter)
{
    const int on = 1;
    char names[TEXT_MAX];
    struct listener_note note;
    int fd = open_listener(AF_INET);
    listener_note_take(fd, &note);
    if (!attach_filter(fd)) {
        close(fd);
        skip();
    }
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_RESTORED);
    assert_string_equal(names, "SO_ATTACH_FILTER");
    assert_true(attach_filter(fd));
    set(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on));
    set(fd, IPPROTO_IP, IP_MINTTL, &on, sizeof(on));
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_SPOILT);
    assert_string_equal(names, "SO_ATTACH_FILTER, SO_LOCK_FILTER");
    close(fd);
}

// Whoever shuts it down has all connections refused. Its port may be lost by then.
TEST(test_listens_no_more)
{
    char names[TEXT_MAX];
    struct listener_note note;
    int fd = open_listener(AF_INET);
    listener_note_take(fd, &note);
    assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
    assert_int_equal(restore(fd, &note, names), LISTENER_NOTE_SPOILT);
    assert_non_null(strstr(names, "SO_ACCEPTCONN"));
    close(fd);
}

TEST(test_text)
{
    char text[TEXT_MAX], again[TEXT_MAX];
    struct buf b = buf_make(text, sizeof(text)), c = buf_make(again, sizeof(again));
    struct listener_note note, read;
    int fd = open_listener(AF_INET);
    listener_note_take(fd, &note);
    listener_note_format(&b, &note);
    assert_false(b.overflow);
    assert_true(listener_note_parse(buf_slice(&b), &read));
    listener_note_format(&c, &read);
    assert_true(slice_equal(buf_slice(&b), buf_slice(&c)));
    assert_int_equal(restore(fd, &read, again), LISTENER_NOTE_SAME);
    close(fd);
}

TEST(test_text_of_others)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"IP_MINTTL=00000000", true},
        {"IP_MINTTL= SO_OF_TOMORROW=01", true},
        {"", false},
        {"IP_MINTTL", false},
        {"IP_MINTTL=0", false},
        {"IP_MINTTL=0x", false},
        {"IP_MINTTL=00 ", false},
    };
    struct listener_note note;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(listener_note_parse(slice_of(cases[i].text), &note), cases[i].good);
    char hex[2 * LISTENER_NOTE_VALUE_MAX + 16] = "IP_OPTIONS=";
    memset(hex + 11, '0', 2 * LISTENER_NOTE_VALUE_MAX + 2);
    assert_false(listener_note_parse(slice_of(hex), &note));
}

TEST(test_applies)
{
    int of_unix = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), tcp = open_listener(AF_INET6);
    assert_false(listener_note_applies(of_unix));
    assert_true(listener_note_applies(tcp));
    assert_false(listener_note_applies(-1));
    close(of_unix);
    close(tcp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_follows_the_system),
        cmocka_unit_test(test_longer_values),
        cmocka_unit_test(test_buffers),
        cmocka_unit_test(test_queue_and_flags),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_listens_no_more),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_of_others),
        cmocka_unit_test(test_applies),
    };
    return cmocka_run_group_tests_name("listener_note", tests, NULL, NULL);
}
