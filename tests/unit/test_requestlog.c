#include "support/loopfixture.h"

#include "base/endpoint.h"
#include "server/handler.h"
#include "server/conn.h"
#include "server/requestlog.h"

static struct fixture *f;
static struct conn conn;
static struct request request;

// No block is left.
static bool no_block;

struct block *__real_bufpool_get(struct bufpool *p);
struct block *__wrap_bufpool_get(struct bufpool *p);

struct block *__wrap_bufpool_get(struct bufpool *p)
{
    return no_block ? NULL : __real_bufpool_get(p);
}

static int open_loop(void **state)
{
    char path[PATH_MAX];
    const struct sockaddr_in6 peer = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    (void)state;
    f = fixture_open_unstarted(NULL, NULL);
    f->served.access_log = open(tempdir_path(&f->dir, "log", path),
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(f->served.access_log >= 0);
    fixture_start(f);
    conn_open(&conn, -1, &peer, 0, 0);
    f->loop.ctx.client.address = peer;
    assert_int_equal(
        request_parse(SLICE("GET /x HTTP/1.1\r\n" HOST "User-Agent: me\r\n\r\n"), &request), 0);
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    assert_null(conn.transfer.record);
    fixture_close(f);
    return 0;
}

// The lines logged since the last call, without the time.
static const char *take_log(void)
{
    static char text[1024];
    accesslog_flush(&f->loop.ctx.log, 0, true);
    tempdir_read(&f->dir, "log", text, sizeof(text));
    assert_int_equal(ftruncate(f->served.access_log, 0), 0);
    const char *end = strstr(text, "] ");
    return end ? end + 2 : text;
}

TEST(test_at_once)
{
    requestlog_add(&f->loop.ctx, &conn, &request, 404, 12);
    assert_string_equal(take_log(), "\"GET /x HTTP/1.1\" 404 12 \"-\" \"me\"\n");
    requestlog_add(&f->loop.ctx, &conn, NULL, 408, 0); // what was no request
    assert_string_equal(take_log(), "\"-\" 408 0 \"-\" \"-\"\n");
}

// The client that a proxy has named for one request is that request's, also when the line is
// written later; the connection stays the proxy's.
TEST(test_client_of_request)
{
    char text[256];
    struct network named;
    conn.status = 200;
    assert_null(network_parse(SLICE("192.0.2.7"), &named));
    for (int later = 0; later < 2; later++) {
        f->loop.ctx.client.address = endpoint_peer(&named);
        if (later) {
            requestlog_hold(&f->loop.ctx, &conn, &request);
            f->loop.ctx.client.address = conn.client; // of the next request
            requestlog_finish(&f->loop.ctx, &conn, NULL);
            transfer_finish(&conn.transfer, &f->loop.ctx.pool);
        } else {
            requestlog_add(&f->loop.ctx, &conn, &request, 200, 0);
        }
        requestlog_add(&f->loop.ctx, &conn, NULL, 408, 0);
        accesslog_flush(&f->loop.ctx.log, 0, true);
        tempdir_read(&f->dir, "log", text, sizeof(text));
        assert_int_equal(ftruncate(f->served.access_log, 0), 0);
        assert_starts(text, "192.0.2.7 - - [");
        assert_contains(text, "\n::1 - - [");
    }
}

// Content that takes a while: the line tells what was sent of it, whatever became of the request.
TEST(test_later)
{
    static const struct {
        uint64_t length, offset, end;
        const char *figures;
    } cases[] = {
        {100, 100, 100, " 206 100 "}, // all
        {100, 30, 100, " 206 30 "},   // of a range from 0
        {100, 500, 600, " 206 0 "},   // nothing
        {0, 0, 0, " 206 0 "},         // pieces of which none was made
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct request gone = request;
        conn.status = 206;
        conn.transfer.length = cases[i].length;
        conn.transfer.offset = cases[i].offset;
        conn.transfer.end = cases[i].end;
        requestlog_hold(&f->loop.ctx, &conn, &gone);
        assert_non_null(conn.transfer.record);
        memset(&gone, 0xff, sizeof(gone));
        assert_string_equal(take_log(), "");
        requestlog_finish(&f->loop.ctx, &conn, NULL);
        const char *line = take_log();
        assert_starts(line, "\"GET /x HTTP/1.1\"");
        assert_contains(line, cases[i].figures);
        transfer_finish(&conn.transfer, &f->loop.ctx.pool);
    }
}

TEST(test_finished_in_the_same_turn)
{
    conn.status = 200;
    conn.transfer.length = conn.transfer.offset = conn.transfer.end = 9;
    requestlog_finish(&f->loop.ctx, &conn, &request);
    assert_string_equal(take_log(), "\"GET /x HTTP/1.1\" 200 9 \"-\" \"me\"\n");
    requestlog_finish(&f->loop.ctx, &conn, NULL); // nothing is known of it
    assert_string_equal(take_log(), "");
}

// Without a block to keep the line in, it is written at once, and once.
TEST(test_no_block)
{
    no_block = true;
    conn.status = 200;
    conn.transfer.length = conn.transfer.end = 9;
    conn.transfer.offset = 0;
    requestlog_hold(&f->loop.ctx, &conn, &request);
    no_block = false;
    assert_null(conn.transfer.record);
    assert_string_equal(take_log(), "\"GET /x HTTP/1.1\" 200 9 \"-\" \"me\"\n");
    requestlog_finish(&f->loop.ctx, &conn, NULL);
    assert_string_equal(take_log(), "");
}

TEST(test_off)
{
    const int fd = f->loop.ctx.log.fd;
    f->loop.ctx.log.fd = -1;
    requestlog_add(&f->loop.ctx, &conn, &request, 200, 1);
    requestlog_finish(&f->loop.ctx, &conn, &request);
    requestlog_hold(&f->loop.ctx, &conn, &request);
    requestlog_finish(&f->loop.ctx, &conn, NULL);
    f->loop.ctx.log.fd = fd;
    assert_string_equal(take_log(), "");
    // The connection moves to a loop that writes a log: what was kept suffices.
    conn.status = 200;
    conn.transfer.length = conn.transfer.end = conn.transfer.offset = 9;
    requestlog_finish(&f->loop.ctx, &conn, NULL);
    assert_string_equal(take_log(), "\"GET /x HTTP/1.1\" 200 9 \"-\" \"me\"\n");
    transfer_finish(&conn.transfer, &f->loop.ctx.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_at_once, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_client_of_request, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_later, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_finished_in_the_same_turn, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_no_block, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_off, open_loop, close_loop),
    };
    return cmocka_run_group_tests_name("requestlog", tests, NULL, NULL);
}
