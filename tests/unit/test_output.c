#include "support/loopfixture.h"

#include "server/output.h"
#include "sys/clock.h"
#include "sys/transmit.h"

// The results of the socket's next calls, and the arguments of the last ones.
static ssize_t send_result, file_result; // 0: all; else bytes, or a negative errno
static size_t file_asked;
static bool sent_more;
static char sent[1 << 17];
static size_t sent_len;

ssize_t __wrap_transmit_send(int socket, struct iovec *parts, int count, bool more);
ssize_t __wrap_transmit_file(int socket, int file, uint64_t offset, size_t len);

// The time passes while content is made.
static int64_t now_us;

int64_t __wrap_clock_now_us(void);

int64_t __wrap_clock_now_us(void)
{
    return now_us;
}

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
    struct buf b = output_begin(&f->loop.ctx.output);
    buf_puts(&b, text);
    output_commit(&f->loop.ctx.output, &b);
}

static enum output_state flush(void)
{
    sent_len = 0;
    file_asked = 0;
    f->loop.ctx.output.budget = OUTPUT_BUDGET;
    f->loop.ctx.turns.round++;
    uint64_t before = conn.sent;
    enum output_state s = output_flush(&f->loop.ctx, &conn, &reason);
    progress = conn.sent > before;
    return s;
}

TEST(test_gathers)
{
    assert_int_equal(flush(), OUTPUT_DONE); // nothing at all
    assert_false(progress);
    gather("one ");
    gather("two");
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_true(progress);
    assert_memory_equal(sent, "one two", 7);
    assert_int_equal(sent_len, 7);
    assert_false(sent_more);
    assert_int_equal(f->loop.ctx.output.gathered, 0);
}

TEST(test_room)
{
    assert_true(output_has_room(&f->loop.ctx.output));
    struct buf b = output_begin(&f->loop.ctx.output);
    assert_int_equal(b.cap, OUTPUT_GATHER);
    b.len = OUTPUT_GATHER / 2;
    output_commit(&f->loop.ctx.output, &b);
    assert_true(output_has_room(&f->loop.ctx.output));
    gather("x");
    assert_false(output_has_room(&f->loop.ctx.output));
    assert_true(output_begin(&f->loop.ctx.output).cap == OUTPUT_GATHER / 2 - 1);
    f->loop.ctx.output.gathered = 0;
}

// Output that the socket does not take is put aside, and goes first the next time.
TEST(test_stuck)
{
    gather("0123456789");
    send_result = -EAGAIN;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_false(progress);
    assert_int_equal(f->loop.ctx.output.gathered, 0);
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

TEST(test_content_in_memory)
{
    file.body = body;
    conn.transfer.file = &file;
    conn.transfer.end = sizeof(body);
    gather("head");
    send_result = 2;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_int_equal(conn.transfer.offset, 0);
    send_result = 3; // the rest of the head and one byte
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_memory_equal(sent, "adb", 3);
    assert_int_equal(conn.transfer.offset, 1);
    assert_null(conn.out);
    send_result = 0;
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_int_equal(sent_len, sizeof(body) - 1);
    assert_int_equal(conn.transfer.offset, conn.transfer.end);
    assert_int_equal(file_asked, 0);
}

// A fast client gets no more than the budget in one turn.
TEST(test_content_of_a_file)
{
    conn.transfer.file = &file;
    conn.transfer.offset = 1000;
    conn.transfer.end = 1000 + 2 * OUTPUT_BUDGET + 5;
    gather("head");
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_true(sent_more);                          // the head and the content share a segment
    assert_int_equal(file_asked, OUTPUT_BUDGET - 4); // the head counts too
    assert_true(progress);
    file_result = -EAGAIN;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_false(progress);
    assert_int_equal(conn.transfer.offset, 1000 + OUTPUT_BUDGET - 4);
    file_result = 0;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_int_equal(file_asked, 9);
}

// ---- pieces -------------------------------------------------------------------------------------

// The results of next(), one after the other.
struct step {
    const char *text;
    size_t from_file;
    enum body_source_state state;
};

static const struct step *steps;
static size_t step_count, steps_taken;
static int64_t step_us; // that each of them takes

static enum body_source_state take_step(struct body_source *p, struct range *range, struct buf *b)
{
    (void)p;
    assert_true(steps_taken < step_count);
    assert_int_equal(conn.transfer.offset, conn.transfer.end); // all before it is sent
    assert_null(conn.out);
    assert_int_equal(range->length, 0);
    assert_true(b->cap - b->len >= BODY_SOURCE_TEXT_MAX);
    const struct step *step = &steps[steps_taken++];
    now_us += step_us;
    buf_puts(b, step->text);
    if (step->from_file)
        *range = (struct range){7, step->from_file};
    return step->state;
}

static struct body_source pieces;

static void begin(const struct step *of, size_t count)
{
    pieces = (struct body_source){.next = take_step};
    conn.transfer.source = &pieces;
    steps = of;
    step_count = count;
    steps_taken = 0;
    gather("head ");
}

TEST(test_pieces_in_one_turn)
{
    static const struct step three[] = {{"one ", 0, BODY_SOURCE_MORE},
                                        {"two ", 0, BODY_SOURCE_MORE},
                                        {"three", 0, BODY_SOURCE_END}};
    begin(three, ARRAY_SIZE(three));
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_memory_equal(sent, "head one two three", 18);
    assert_int_equal(sent_len, 18);
    assert_false(sent_more);
    assert_int_equal(conn.transfer.length, 13); // without the head
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_int_equal(steps_taken, 3); // it has ended
}

// Work that is to be shared out: others come first, also when nothing was sent, or all.
TEST(test_pieces_that_yield)
{
    static const struct step some[] = {
        {"", 0, BODY_SOURCE_YIELD}, {"one ", 0, BODY_SOURCE_YIELD}, {"two", 0, BODY_SOURCE_END}};
    begin(some, ARRAY_SIZE(some));
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_int_equal(steps_taken, 1);
    assert_int_equal(sent_len, 5);
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_int_equal(steps_taken, 2);
    assert_memory_equal(sent, "one ", 4);
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_memory_equal(sent, "two", 3);
}

// However little the socket takes at once, the bytes are the same.
TEST(test_pieces_and_partial_writes)
{
    static const struct step some[] = {{"one ", 0, BODY_SOURCE_MORE},
                                       {"two ", 0, BODY_SOURCE_YIELD},
                                       {"three", 0, BODY_SOURCE_END}};
    static const char whole[] = "head one two three";
    for (ssize_t most = 1; most < 6; most++) {
        char got[64] = "";
        enum output_state s;
        conn.transfer.length = 0;
        begin(some, ARRAY_SIZE(some));
        send_result = most;
        for (int i = 0; i < 100; i++) {
            if (i == 3)
                send_result = -EAGAIN;
            s = flush();
            strncat(got, sent, sent_len);
            if (s != OUTPUT_WAIT)
                break;
            send_result = most;
        }
        assert_int_equal(s, OUTPUT_DONE);
        assert_string_equal(got, whole);
        assert_int_equal(conn.transfer.length, 13);
    }
    send_result = 0;
}

// Texts and ranges of a file in turns. Output with MSG_MORE waits for the output behind it.
TEST(test_pieces_of_a_file)
{
    static const struct step some[] = {{"one ", 100, BODY_SOURCE_MORE},
                                       {"two ", OUTPUT_BUDGET, BODY_SOURCE_MORE},
                                       {"end", 0, BODY_SOURCE_END}};
    conn.transfer.file = &file;
    begin(some, ARRAY_SIZE(some));
    assert_int_equal(flush(), OUTPUT_WAIT); // the budget is used up
    assert_int_equal(steps_taken, 2);
    assert_true(sent_more);
    assert_memory_equal(sent, "head one two ", 13);
    assert_int_equal(file_asked, OUTPUT_BUDGET - 13);
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_int_equal(file_asked, 113);
    assert_memory_equal(sent, "end", 3);
    assert_false(sent_more);
    assert_int_equal(conn.transfer.length, 11 + 100 + OUTPUT_BUDGET);
}

TEST(test_pieces_of_memory)
{
    static const struct step some[] = {{"one ", 3, BODY_SOURCE_MORE},
                                       {" two ", 4, BODY_SOURCE_MORE},
                                       {" end", 0, BODY_SOURCE_END}};
    file.body = body;
    conn.transfer.file = &file;
    begin(some, ARRAY_SIZE(some));
    assert_int_equal(flush(), OUTPUT_DONE);
    assert_memory_equal(sent, "head one bbb two bbbb end", 25);
    assert_int_equal(sent_len, 25);
    assert_int_equal(conn.transfer.length, 20);
}

TEST(test_pieces_that_fail)
{
    static const struct step some[] = {{"one", 0, BODY_SOURCE_MORE},
                                       {"lost", 0, BODY_SOURCE_FAILED}};
    begin(some, ARRAY_SIZE(some));
    assert_int_equal(flush(), OUTPUT_FAILED);
    assert_int_equal(reason, CONN_CLOSE_CHANGED);
    assert_int_equal(f->loop.ctx.output.gathered, 0);
    // A piece that cannot be sent fails the answer.
    begin(some, ARRAY_SIZE(some));
    send_result = -EPIPE;
    assert_int_equal(flush(), OUTPUT_FAILED);
    assert_int_equal(reason, CONN_CLOSE_RESET);
    assert_int_equal(steps_taken, 0);
    assert_int_equal(f->loop.ctx.output.gathered, 0);
}

// ---- the time of a round ------------------------------------------------------------------------

#define MANY 7

static struct maker {
    struct body_source source;
    struct conn conn;
    unsigned made;
} makers[MANY];

static int64_t part_us = 333;
static int64_t longest_round_us;

static enum body_source_state make_for_long(struct body_source *p, struct range *range,
                                            struct buf *b)
{
    (void)range;
    CONTAINER_OF(p, struct maker, source)->made++;
    now_us += part_us;
    buf_puts(b, "x");
    return BODY_SOURCE_YIELD;
}

// A round in which all of them are ready, in the same order as ever: how many had a turn.
static unsigned make_in_a_round(size_t count)
{
    unsigned turns = 0;
    int64_t began = now_us;
    f->loop.ctx.turns.round++;
    for (size_t i = 0; i < count; i++) {
        unsigned before = makers[i].made;
        f->loop.ctx.output.budget = OUTPUT_BUDGET;
        sent_len = 0;
        assert_int_equal(output_flush(&f->loop.ctx, &makers[i].conn, &reason), OUTPUT_WAIT);
        assert_in_range(makers[i].made - before, 0, 1);
        turns += makers[i].made - before;
    }
    longest_round_us = MAX(longest_round_us, now_us - began);
    return turns;
}

// All together have a round's time; who has to wait comes before the others have their next turn.
TEST(test_time_of_a_round)
{
    for (size_t i = 0; i < MANY; i++) {
        makers[i] = (struct maker){.source.next = make_for_long,
                                   .conn = {.source = {SOURCE_CONN, -1}, .state = CONN_SEND}};
        makers[i].conn.transfer.source = &makers[i].source;
    }
    for (unsigned lap = 1; lap <= 5; lap++) {
        assert_int_equal(make_in_a_round(MANY), 3);
        assert_int_equal(make_in_a_round(MANY), 3);
        assert_int_equal(make_in_a_round(MANY), 1);
        assert_in_range(longest_round_us, 1, OUTPUT_MAKING_US);
        for (size_t i = 0; i < MANY; i++)
            assert_int_equal(makers[i].made, lap);
    }
    for (unsigned i = 0; i < 3; i++) // each round, where there is time for all
        assert_int_equal(make_in_a_round(3), 3);
    part_us = 400; // another would not fit, but for the first one it is not known
    assert_int_equal(make_in_a_round(MANY), 2);
    assert_int_equal(make_in_a_round(MANY), 2);
    assert_in_range(longest_round_us, 1, OUTPUT_MAKING_US);
    part_us = 2 * OUTPUT_MAKING_US;
    assert_int_equal(make_in_a_round(MANY), 1);
    assert_int_equal(make_in_a_round(MANY), 1);
    assert_int_equal(make_in_a_round(MANY), 1);
}

// Parts that may follow each other do, as long as there is time.
TEST(test_time_of_a_turn)
{
    static const struct step some[] = {{"one ", 0, BODY_SOURCE_MORE},
                                       {"two ", 0, BODY_SOURCE_MORE},
                                       {"three", 0, BODY_SOURCE_END}};
    begin(some, ARRAY_SIZE(some));
    step_us = OUTPUT_MAKING_US / 2;
    assert_int_equal(flush(), OUTPUT_WAIT);
    assert_int_equal(steps_taken, 2);
    assert_int_equal(flush(), OUTPUT_DONE);
    step_us = 0;
}

TEST(test_failures)
{
    static const struct {
        ssize_t send_result, file_result;
        enum conn_close reason;
    } cases[] = {
        {-EPIPE, 0, CONN_CLOSE_RESET},   {-ECONNRESET, 0, CONN_CLOSE_RESET},
        {-ENOMEM, 0, CONN_CLOSE_MEMORY}, {0, -EPIPE, CONN_CLOSE_RESET},
        {0, -EIO, CONN_CLOSE_RESET},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        conn.transfer.file = &file;
        conn.transfer.offset = 0;
        conn.transfer.end = 10;
        gather("head");
        send_result = cases[i].send_result;
        file_result = cases[i].file_result;
        assert_int_equal(flush(), OUTPUT_FAILED);
        assert_int_equal(reason, cases[i].reason);
        assert_int_equal(f->loop.ctx.output.gathered, 0); // not the next connection's
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
        cmocka_unit_test_setup_teardown(test_pieces_in_one_turn, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pieces_that_yield, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pieces_and_partial_writes, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pieces_of_a_file, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pieces_of_memory, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_pieces_that_fail, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_time_of_a_round, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_time_of_a_turn, open_loop, close_loop),
        cmocka_unit_test_setup_teardown(test_failures, open_loop, close_loop),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
