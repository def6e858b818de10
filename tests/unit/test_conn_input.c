#include "support/unit.h"

#include "server/conn.h"
#include "server/conn_input.h"
#include "server/context.h"

#include <sys/socket.h>
#include <unistd.h>

#define BIG 20000

static struct context ctx;
static struct conn conn;
static int client;

static int open_both(void **state)
{
    const struct sockaddr_in6 peer = {.sin6_family = AF_INET};
    int pair[2];
    (void)state;
    bufpool_init(&ctx.pool, BIG, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    client = pair[1];
    conn_open(&conn, pair[0], &peer, 0, 0);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    conn_input_drop(&ctx, &conn);
    bufpool_cleanup(&ctx.pool);
    close(conn.source.fd);
    close(client);
    return 0;
}

static void put(const char *text)
{
    assert_int_equal(write(client, text, strlen(text)), strlen(text));
}

static void put_many(size_t count)
{
    static char junk[BIG];
    memset(junk, 'x', sizeof(junk));
    assert_int_equal(write(client, junk, count), count);
}

TEST(test_requests)
{
    assert_int_equal(conn_input(&conn).len, 0);
    put("GET /");
    conn_input_receive(&ctx, &conn);
    put("one GET /two");
    conn_input_receive(&ctx, &conn);
    assert_slice(conn_input(&conn), "GET /one GET /two");
    conn_input_consume(&ctx, &conn, 9);
    assert_slice(conn_input(&conn), "GET /two");
    conn_input_receive(&ctx, &conn); // nothing is there
    assert_slice(conn_input(&conn), "GET /two");
    assert_int_equal(conn.in->start, 0); // moved to the front
    assert_false(conn.eof || conn.broken);
    conn_input_consume(&ctx, &conn, 8);
    assert_null(conn.in);
}

TEST(test_ends)
{
    put("GET");
    shutdown(client, SHUT_WR);
    conn_input_receive(&ctx, &conn);
    assert_false(conn.eof);
    conn_input_receive(&ctx, &conn);
    assert_true(conn.eof && !conn.broken);
    assert_slice(conn_input(&conn), "GET");
}

TEST(test_reset)
{
    // Bytes that it has not read reset a UNIX socket when it is closed.
    assert_int_equal(write(conn.source.fd, "x", 1), 1);
    close(client);
    client = -1;
    conn_input_receive(&ctx, &conn);
    assert_true(conn.broken && !conn.eof);
}

// A small block, filled in pieces, then a big one, of which there is one only.
TEST(test_grow)
{
    struct conn second = conn;
    put_many(BUFPOOL_SMALL - 1);
    conn_input_receive(&ctx, &conn);
    assert_true(conn_input_grow(&ctx, &conn));
    assert_int_equal(conn.in->cap, BUFPOOL_SMALL); // one byte has room
    put("ab");
    conn_input_receive(&ctx, &conn);
    assert_int_equal(conn_input(&conn).len, BUFPOOL_SMALL);
    second.in = bufpool_get(&ctx.pool);
    second.in->end = second.in->cap;
    conn_input_consume(&ctx, &conn, 1);
    assert_true(conn_input_grow(&ctx, &conn)); // by moving to the front
    assert_int_equal(conn.in->cap, BUFPOOL_SMALL);
    conn_input_receive(&ctx, &conn);
    assert_true(conn_input_grow(&ctx, &conn));
    assert_int_equal(conn.in->cap, BIG);
    assert_int_equal(conn_input(&conn).len, BUFPOOL_SMALL);
    assert_int_equal(conn.in->data[BUFPOOL_SMALL - 1], 'b');
    assert_false(conn_input_grow(&ctx, &second));
    assert_int_equal(conn_input(&second).len, BUFPOOL_SMALL);
    conn_input_drop(&ctx, &second);
    assert_int_equal(ctx.pool.big_used, 1);
    conn_input_drop(&ctx, &conn);
    assert_int_equal(ctx.pool.big_used, 0);
}

// Content in chunks, behind a head and by itself; what follows it is left alone.
TEST(test_content)
{
    const struct request r = {.body = BODY_CHUNKED};
    assert_true(body_init(&conn.body, &r, 1000));
    put("HEAD5\r\nab");
    conn_input_receive(&ctx, &conn);
    conn_input_feed_content(&conn, 4);
    assert_int_equal(conn.content, CONTENT_MORE);
    assert_slice(conn_input(&conn), "HEAD");
    conn_input_feed_content(&conn, 4); // there is none
    assert_slice(conn_input(&conn), "HEAD");
    put("cde\r\n");
    conn_input_receive_content(&ctx, &conn);
    assert_int_equal(conn.content, CONTENT_MORE);
    put("0\r\n\r\nGET /");
    while (conn.content == CONTENT_MORE)
        conn_input_receive_content(&ctx, &conn);
    assert_int_equal(conn.content, CONTENT_END);
    assert_slice(conn_input(&conn), "HEAD");
    conn_input_consume(&ctx, &conn, 4);
    conn_input_receive(&ctx, &conn);
    assert_slice(conn_input(&conn), "GET /");
}

TEST(test_content_at_once)
{
    const struct request r = {.body = BODY_LENGTH, .content_length = 3};
    assert_true(body_init(&conn.body, &r, 1000));
    put("HEADabcGET /");
    conn_input_receive(&ctx, &conn);
    conn_input_feed_content(&conn, 4);
    assert_int_equal(conn.content, CONTENT_END);
    assert_slice(conn_input(&conn), "HEADGET /");
}

TEST(test_bad_content)
{
    const struct request r = {.body = BODY_CHUNKED};
    assert_true(body_init(&conn.body, &r, 1000));
    put("x\r\n");
    conn_input_receive_content(&ctx, &conn);
    assert_int_equal(conn.content, CONTENT_BAD);
    assert_int_equal(reason_status(conn.refused), 400);
}

TEST(test_rest)
{
    put("never read");
    conn_input_receive_rest(&ctx, &conn);
    assert_false(conn.eof);
    shutdown(client, SHUT_WR);
    conn_input_receive_rest(&ctx, &conn);
    assert_true(conn.eof);
    assert_null(conn.in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests, open_both, close_both),
        cmocka_unit_test_setup_teardown(test_ends, open_both, close_both),
        cmocka_unit_test_setup_teardown(test_reset, open_both, close_both),
        cmocka_unit_test_setup_teardown(test_grow, open_both, close_both),
        cmocka_unit_test_setup_teardown(test_content, open_both, close_both),
        cmocka_unit_test_setup_teardown(test_content_at_once, open_both, close_both),
        cmocka_unit_test_setup_teardown(test_bad_content, open_both, close_both),
        cmocka_unit_test_setup_teardown(test_rest, open_both, close_both),
    };
    return cmocka_run_group_tests_name("conn_input", tests, NULL, NULL);
}
