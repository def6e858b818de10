#include "support/loopfixture.h"
#include "support/slowsocket.h"

#include "server/conn.h"
#include "server/conn_close.h"

#include <fcntl.h>

static struct fixture *open_with_log(void)
{
    char path[PATH_MAX];
    struct fixture *f = fixture_open_unstarted(NULL);
    f->served.access_log = open(tempdir_path(&f->dir, "log", path), O_WRONLY | O_CREAT, 0600);
    assert_true(f->served.access_log >= 0);
    fixture_start(f);
    return f;
}

static size_t count_lines(struct fixture *f)
{
    char got[4096];
    accesslog_flush(&f->loop.ctx.log, fixture_clock.now, true);
    tempdir_read(&f->dir, "log", got, sizeof(got));
    return count_text(got, "\n");
}

static uint64_t closed(const struct fixture *f, enum conn_close reason)
{
    return atomic_load(&f->served.scoreboard.places[0].slots[0].closed[reason]);
}

// All that a connection can hold: input, a stuck head, a file, facts for the log, a place in
// flight.
static const struct {
    const char *sent;
    ssize_t allowance;
    enum conn_state state;
    size_t lines; // of the log, when it is closed
} cases[] = {
    {"GET / HT", -1, CONN_HEAD, 0},
    {GET("/hello.txt"), -1, CONN_IDLE, 1},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n12", -1, CONN_BODY, 0},
    {GET("/none") "GET", 10, CONN_SEND, 1},
    {GET("/large.bin") "GET", 10, CONN_SEND, 1},
    {GET("/large.bin"), 5000, CONN_SEND, 1},
    {"nonsense\r\n\r\n", -1, CONN_LINGER, 1},
};

static void assert_all_given_back(struct fixture *f, const struct conn *c)
{
    const struct context *ctx = &f->loop.ctx;
    assert_int_equal(c->state, CONN_FREE);
    assert_int_equal(ctx->slots.taken, 0);
    assert_int_equal(deadlines_next(&ctx->deadlines), -1);
    for (size_t i = 0; i < INFLIGHT_MAX; i++)
        assert_false(ctx->notes->inflight.entries[i].is_used);
}

TEST(test_close)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fixture *f = open_with_log();
        struct client client = client_open(f);
        socket_allowance = cases[i].allowance;
        client_ask(f, &client, cases[i].sent);
        struct conn *c = fixture_conn(f);
        assert_int_equal(c->state, cases[i].state);
        conn_close(&f->loop.ctx, c, CONN_CLOSE_ROOM);
        assert_all_given_back(f, c);
        assert_int_equal(closed(f, CONN_CLOSE_ROOM), 1);
        assert_int_equal(count_lines(f), cases[i].lines);
        client_pump(f, &client);
        assert_true(client.eof);
        client_close(&client);
        socket_allowance = -1;
        fixture_close(f);
    }
}

// Another loop has the socket: nobody is hung up on, and the answer's line is for that one to
// write.
TEST(test_handed)
{
    struct fixture *f = open_with_log();
    struct client client = client_open(f);
    socket_allowance = 5000;
    client_ask(f, &client, GET("/large.bin"));
    struct conn *c = fixture_conn(f);
    int fd = c->source.fd, other = dup(fd);
    conn_unwatch(&f->loop.ctx, c);
    conn_close_handed(&f->loop.ctx, c);
    assert_all_given_back(f, c);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(closed(f, CONN_CLOSE_HANDED), 1);
    assert_int_equal(count_lines(f), 0);
    client_pump(f, &client);
    assert_false(client.eof || client.reset);
    close(other);
    client_close(&client);
    socket_allowance = -1;
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_handed),
    };
    return cmocka_run_group_tests_name("conn_close", tests, NULL, NULL);
}
