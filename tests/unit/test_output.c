#include "loopfixture.h"

#include "server/output.h"
#include "sys/transmit.h"

// What the socket does at the next calls, and what was asked of it.
static ssize_t send_result, file_result; // 0: all; else bytes, or a negative errno
static size_t file_asked;
static bool sent_more;
static char sent[1 << 17];
static size_t sent_len;

ssize_t __wrap_transmit_send(int socket, struct iovec *parts, int count, bool more);
ssize_t __wrap_transmit_file(int socket, int file, uint64_t offset, size_t len);

ssize_t __wrap_transmit_send(int socket, struct iovec *parts, int count, bool more)
{
    size_t total = 0;
    (void)socket;
    if (send_result < 0)
        return send_result;
    sent_more = more;
    for (int i = 0; i < count; i++) {
        size_t n = parts[i].iov_len;
        if (send_result)
            n = MIN(n, (size_t)send_result - total);
        memcpy(sent + sent_len, parts[i].iov_base, n);
        sent_len += n;
        total += n;
    }
    return (ssize_t)total;
}

ssize_t __wrap_transmit_file(int socket, int file, uint64_t offset, size_t len)
{
    (void)socket, (void)file, (void)offset;
    file_asked += len;
    if (file_result)
        return file_result < 0 ? file_result : MIN(file_result, (ssize_t)len);
    return (ssize_t)len;
}

static struct fixture *f;
static struct conn conn;
static struct cached_file file;
static char body[5000];
static bool progress;
static enum conn_close reason;

static int open_loop(void **state)
{
    (void)state;
    f = fixture_open(NULL);
    conn = (struct conn){.source = {SOURCE_CONN, -1}, .state = CONN_HEAD};
    file = (struct cached_file){.fd = -1};
    send_result = file_result = 0;
    sent_len = file_asked = 0;
    memset(body, 'b', sizeof(body));
    return 0;
}

static int close_loop(void **state)
{
    (void)state;
    assert_null(conn.out);
    fixture_close(f);
    return 0;
}

static void gather(const char *text)
{
    struct buf b = output_begin(&f->loop);
    buf_puts(&b, text);
    output_commit(&f->loop, &b);
}

static enum output_state flush(void)
{
    sent_len = 0;
    file_asked = 0;
    f->loop.budget = OUTPUT_BUDGET;
    uint64_t before = conn.sent;
    enum output_state s = output_flush(&f->loop, &conn, &reason);
    progress = conn.sent > before;
    return s;
}

static void test_gathers(void **state)
{
    (void)state;
    assert_int_equal(flush(), OUTPUT_DONE); // nothing at all
    assert_false(progress);
    gather("one ");
    gather("two");
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_true(progress);
    assert_memory_equal(sent, "one two", 7);
    assert_int_equal(sent_len, 7);
    assert_false(sent_more);
    assert_int_equal(f->loop.gathered, 0);
}

static void test_room(void **state)
{
    (void)state;
    assert_true(output_has_room(&f->loop));
    struct buf b = output_begin(&f->loop);
    assert_int_equal(b.cap, LOOP_GATHER);
    b.len = LOOP_GATHER / 2;
    output_commit(&f->loop, &b);
    assert_true(output_has_room(&f->loop));
    gather("x");
    assert_false(output_has_room(&f->loop));
    assert_true(output_begin(&f->loop).cap == LOOP_GATHER / 2 - 1);
    f->loop.gathered = 0;
}

// What the socket does not take is put aside, and goes first the next time.
static void test_stuck(void **state)
{
    (void)state;
    gather("0123456789");
    send_result = -EAGAIN;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_false(progress);
    assert_int_equal(f->loop.gathered, 0);
    assert_slice(block_slice(conn.out), "0123456789");
    for (char c = '0'; c < '9'; c++) {
        send_result = 1;
        assert_int_equal(flush(), OUTPUT_WAIT);
        assert_true(progress);
        assert_int_equal(sent[0], c);
    }
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_int_equal(sent[0], '9');
}

static void test_content_in_memory(void **state)
{
    (void)state;
    file.body = body;
    conn.file = &file;
    conn.end = sizeof(body);
    gather("head");
    send_result = 2;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_int_equal(conn.offset, 0);
    send_result = 3; // the rest of the head and one byte
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_memory_equal(sent, "adb", 3);
    assert_int_equal(conn.offset, 1);
    assert_null(conn.out);
    send_result = 0;
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_int_equal(sent_len, sizeof(body) - 1);
    assert_int_equal(conn.offset, conn.end);
    assert_int_equal(file_asked, 0);
}

// A fast client gets no more than the budget in one turn.
static void test_content_of_a_file(void **state)
{
    (void)state;
    conn.file = &file;
    conn.offset = 1000;
    conn.end = 1000 + 2 * OUTPUT_BUDGET + 5;
    gather("head");
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_true(sent_more);                          // the head and the content share a segment
    assert_int_equal(file_asked, OUTPUT_BUDGET - 4); // the head counts too
    assert_true(progress);
    file_result = -EAGAIN;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_false(progress);
    assert_int_equal(conn.offset, 1000 + OUTPUT_BUDGET - 4);
    file_result = 0;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_int_equal(file_asked, 9);
}

static void test_failures(void **state)
{
    (void)state;
    static const struct {
        ssize_t send_result, file_result;
        enum conn_close reason;
    } cases[] = {
        {-EPIPE, 0, CONN_CLOSE_RESET},   {-ECONNRESET, 0, CONN_CLOSE_RESET},
        {-ENOMEM, 0, CONN_CLOSE_MEMORY}, {0, -EPIPE, CONN_CLOSE_RESET},
        {0, -EIO, CONN_CLOSE_RESET},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        conn.file = &file;
        conn.offset = 0;
        conn.end = 10;
        gather("head");
        send_result = cases[i].send_result;
        file_result = cases[i].file_result;
        assert_int_equal(flush(), OUTPUT_FAILED);
        assert_int_equal(reason, cases[i].reason);
        assert_int_equal(f->loop.gathered, 0); // not the next connection's
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gathers, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_room, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_stuck, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_content_in_memory, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_content_of_a_file, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_failures, open_loop, close_loop),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
