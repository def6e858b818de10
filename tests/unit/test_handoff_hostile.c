// Handoffs that go wrong: messages that no sender sends, and memory that ends.
#include "support/looppair.h"

#include "base/log.h"
#include "server/conn_close.h"
#include "sys/fdpass.h"

// ---- messages that no sender sends --------------------------------------------------------------

// A right message with its descriptors, taken off the socket.
struct caught {
    char data[4096];
    size_t len;
    int fds[FDPASS_MAX];
    size_t fd_count;
};

static void catch (struct pair *p, struct caught *m)
{
    assert_int_equal(handoff_send(&p->from->loop.ctx, fixture_conn(p->from)), HANDOFF_SENT);
    ssize_t n = fdpass_receive_many(p->sockets[0], m->data, sizeof(m->data), m->fds, &m->fd_count);
    assert_true(n > 0);
    m->len = (size_t)n;
    fixture_round(p->from);
}

static void throw(const struct pair *p, const struct caught *m)
{
    const struct iovec part = {(void *)(uintptr_t)m->data, m->len};
    assert_int_equal(fdpass_send_parts(p->sockets[1], &part, 1, m->fds, m->fd_count), 0);
}

static void assert_refused(struct pair *p, const struct caught *m, const char *what)
{
    size_t before = count_fds();
    throw(p, m);
    if (handoff_take(&p->to->loop.ctx, p->sockets[0]) != HANDOFF_LOST)
        fail_msg("%s: taken", what);
    if (count_fds() != before)
        fail_msg("%s: descriptors stay open", what);
    assert_int_equal(p->to->loop.ctx.slots.taken, 0);
}

static int datagram(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int blocking(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int other_family(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int device(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int directory(void)
{
    return open("/", O_RDONLY | O_CLOEXEC);
}

static int fresh_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static const struct {
    const char *what;
    int (*first)(void), (*second)(void); // NULL: as it was
} strangers[] = {
    {"a listener", fixture_listen, NULL},
    {"a datagram socket", datagram, NULL},
    {"a socket that blocks", blocking, NULL},
    {"a socket of another family", other_family, NULL},
    {"a device as the connection", device, NULL},
    {"a directory as the connection", directory, NULL},
    {"a device as the file", NULL, device},
    {"a directory as the file", NULL, directory},
    {"a socket as the file", NULL, fresh_socket},
};

static void refuse_strangers(struct pair *p, const struct caught *right)
{
    for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
        struct caught m = *right;
        if (strangers[i].first)
            m.fds[0] = strangers[i].first();
        if (strangers[i].second)
            m.fds[1] = strangers[i].second();
        assert_true(m.fds[0] >= 0 && m.fds[1] >= 0);
        assert_refused(p, &m, strangers[i].what);
        for (size_t n = 0; n < 2; n++)
            if (m.fds[n] != right->fds[n])
                close(m.fds[n]);
    }
}

// An empty message looks like the end of file, but may bring descriptors.
static void refuse_empty(struct pair *p, const struct caught *right)
{
    struct caught m = *right;
    m.len = 0;
    for (m.fd_count = 1; m.fd_count <= 2; m.fd_count++)
        assert_refused(p, &m, "an empty message");
}

TEST(test_hostile_messages)
{
    struct caught right, m;
    log_set_level(LOG_LEVEL_ERR);
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    socket_allowance = 5000;
    client_ask(p.from, &c, GET("/large.bin") GET("/hello.txt"));
    catch (&p, &right);
    assert_int_equal(right.fd_count, 2);
    m = right;
    for (m.fd_count = 0; m.fd_count < 2; m.fd_count++)
        assert_refused(&p, &m, "descriptors are missing");
    for (m = right; --m.len > 0;)
        assert_refused(&p, &m, "cut off");
    m = right;
    m.len++;
    assert_refused(&p, &m, "too long");
    for (size_t bit = 0; bit < 64; bit++) { // what it begins with
        m = right;
        m.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_refused(&p, &m, "another version");
    }
    refuse_strangers(&p, &right);
    refuse_empty(&p, &right);
    throw(&p, &right); // after all of that
    assert_int_equal(handoff_take(&p.to->loop.ctx, p.sockets[0]), HANDOFF_TAKEN);
    close(right.fds[0]);
    close(right.fds[1]);
    socket_allowance = -1;
    client_pump(p.to, &c);
    assert_pattern(content_of(c.got), LARGE);
    client_close(&c);
    pair_close(&p);
    log_set_level(LOG_LEVEL_INFO);
}

// Whatever the figures are, the loop lives: each byte of a right record is changed in turn.
TEST(test_hostile_figures)
{
    struct caught right;
    log_set_level(LOG_LEVEL_ERR);
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    socket_allowance = 5000;
    client_ask(p.from, &c, GET("/large.bin") GET("/hello.txt"));
    catch (&p, &right);
    socket_allowance = 100;
    size_t taken = 0;
    // All numbers, and the first of the bytes.
    for (size_t at = 0; at < MIN(right.len, 400); at++) {
        for (int value = 0x80; value; value >>= 1) {
            struct caught m = right;
            m.data[at] ^= (char)value;
            throw(&p, &m);
            taken += handoff_take(&p.to->loop.ctx, p.sockets[0]) == HANDOFF_TAKEN;
            fixture_round(p.to);
            if (p.to->loop.ctx.slots.taken)
                conn_close(&p.to->loop.ctx, fixture_conn(p.to), CONN_CLOSE_RESET);
        }
    }
    assert_true(taken > 0);
    close(right.fds[0]);
    close(right.fds[1]);
    socket_allowance = -1;
    client_close(&c);
    pair_close(&p);
    log_set_level(LOG_LEVEL_INFO);
}

// ---- memory -------------------------------------------------------------------------------------

// A connection with all that one can have moves while an allocation fails. True when it did fail.
static bool run_with_failure(const char *request, unsigned nth)
{
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    socket_allowance = 100;
    client_ask(p.from, &c, request);
    assert_int_equal(handoff_send(&p.from->loop.ctx, fixture_conn(p.from)), HANDOFF_SENT);
    size_t before = count_fds();
    fail_allocation(nth);
    enum handoff_taken taken = handoff_take(&p.to->loop.ctx, p.sockets[0]);
    bool failed = has_failed();
    fail_allocation(0);
    if (taken == HANDOFF_SHORTAGE)
        taken = handoff_take(&p.to->loop.ctx, p.sockets[0]);
    else
        assert_int_equal(taken, failed ? HANDOFF_LOST : HANDOFF_TAKEN);
    assert_int_equal(p.to->loop.ctx.slots.taken, taken == HANDOFF_TAKEN);
    assert_true(taken == HANDOFF_TAKEN || count_fds() == before);
    socket_allowance = -1;
    client_pump(p.to, &c);
    assert_int_equal(c.eof, taken == HANDOFF_LOST);
    if (taken == HANDOFF_TAKEN)
        assert_string_equal(c.got + c.len - strlen(HELLO), HELLO);
    client_close(&c);
    pair_close(&p);
    return failed;
}

TEST(test_every_allocation_may_fail)
{
    static const char *const requests[] = {GET("/large.bin") GET("/hello.txt"),
                                           GET("/medium.bin") GET("/hello.txt")};
    log_set_level(LOG_LEVEL_ERR);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        unsigned n = 1;
        while (run_with_failure(requests[i], n))
            n++;
        assert_true(n > 5); // it has met some
        assert_true(n < 50);
    }
    log_set_level(LOG_LEVEL_INFO);
}

// Whoever has an end of a pair cannot use it for the other direction.
TEST(test_one_way)
{
    int pair[2];
    char c;
    assert_int_equal(handoff_pair(pair), 0);
    assert_int_equal(send(pair[1], "x", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(send(pair[0], "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    assert_int_equal(recv(pair[1], &c, 1, MSG_DONTWAIT), 0); // nothing will ever come
    close(pair[1]);
    assert_int_equal(recv(pair[0], &c, 1, MSG_DONTWAIT), 1); // which outlives its sender
    assert_int_equal(recv(pair[0], &c, 1, MSG_DONTWAIT), 0);
    close(pair[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_hostile_messages, pair_setup),
        cmocka_unit_test_setup(test_hostile_figures, pair_setup),
        cmocka_unit_test_setup(test_every_allocation_may_fail, pair_setup),
        cmocka_unit_test(test_one_way),
    };
    return cmocka_run_group_tests_name("handoff_hostile", tests, NULL, NULL);
}
