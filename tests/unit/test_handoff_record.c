#include "unit.h"

#include "server/accesslog.h"
#include "server/handoff_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

// A connection whose blocks are its own.
struct sample {
    struct conn conn;
    struct cached_file file;
    char body[100];
};

static struct block *block_with(const char *text)
{
    struct block *b = calloc(1, sizeof(*b) + 100);
    assert_non_null(b);
    b->start = 3; // what stands before is dealt with
    b->end = b->start + (uint32_t)strlen(text);
    memcpy(b->data + b->start, text, strlen(text));
    return b;
}

static void make_waiting(struct sample *s, enum conn_state state, const char *in)
{
    *s = (struct sample){.conn = {.state = state, .status = 200, .requests = 7, .sent = 1000}};
    s->conn.peer.sin6_family = AF_INET;
    s->conn.deadline.since = 123456;
    if (in)
        s->conn.in = block_with(in);
}

// In the middle of content: bytes of a head, then a file, or memory; requests behind.
static void make_sending(struct sample *s, bool in_memory)
{
    make_waiting(s, CONN_SEND, "GET /next");
    s->conn.resume = CONN_HEAD;
    s->conn.ending = CONN_LINGERS;
    s->conn.eof = true;
    s->conn.due = 5000;
    s->conn.out = block_with("HTTP/1.1 200 OK");
    s->conn.held = block_with("a line");
    s->conn.split = 2;
    memcpy(s->body, "0123456789", 10);
    s->file = (struct cached_file){.fd = in_memory ? -1 : 5, .body = in_memory ? s->body : NULL};
    s->conn.file = &s->file;
    s->conn.offset = 3;
    s->conn.end = 8;
    s->conn.length = 10;
}

static void free_sample(struct sample *s)
{
    free(s->conn.in);
    free(s->conn.out);
    free(s->conn.held);
}

// The message as it goes over the socket. The caller frees.
static struct slice joined(const struct handoff_parts *p)
{
    const struct slice slices[] = {
        slice_make((const char *)&p->record, sizeof(p->record)), p->in, p->out, p->content, p->held,
    };
    char *data = malloc(1000);
    size_t len = 0;
    assert_non_null(data);
    for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
        if (slices[i].len)
            memcpy(data + len, slices[i].ptr, slices[i].len);
        len += slices[i].len;
    }
    return slice_make(data, len);
}

static struct slice message_of(const struct conn *c)
{
    struct handoff_parts p;
    assert_true(handoff_record_fits(c));
    handoff_record_make(c, &p);
    return joined(&p);
}

static void test_what_fits(void **state)
{
    static const bool fits[CONN_STATES] = {
        [CONN_HEAD] = true, [CONN_IDLE] = true, [CONN_SEND] = true};
    struct pieces pieces;
    (void)state;
    for (enum conn_state s = CONN_FREE; s < CONN_STATES; s++) {
        struct conn c = {.state = s, .resume = CONN_HEAD};
        assert_int_equal(handoff_record_fits(&c), fits[s]);
        c.broken = true;
        assert_false(handoff_record_fits(&c));
        c.broken = false;
        c.pieces = &pieces;
        assert_false(handoff_record_fits(&c));
    }
    // Answers are stuck, and behind them content is awaited.
    struct conn c = {.state = CONN_SEND, .resume = CONN_BODY};
    assert_false(handoff_record_fits(&c));
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int in_memory = 0; in_memory <= 1; in_memory++) {
        struct sample s;
        struct handoff_parts p;
        make_sending(&s, in_memory);
        struct slice message = message_of(&s.conn);
        assert_true(handoff_record_parse(message, in_memory ? 1 : 2, &p));
        assert_slice(p.in, "GET /next");
        assert_slice(p.out, "HTTP/1.1 200 OK");
        assert_slice(p.content, in_memory ? "34567" : "");
        assert_slice(p.held, "a line");
        const struct handoff_record *r = &p.record;
        assert_int_equal(r->state, CONN_SEND);
        assert_int_equal(r->ending, CONN_LINGERS);
        assert_int_equal(r->eof, 1);
        assert_int_equal(r->has_file, !in_memory);
        assert_int_equal(r->status, 200);
        assert_int_equal(r->requests, 7);
        assert_int_equal(r->split, 2);
        assert_int_equal(r->since, 123456);
        assert_int_equal(r->offset, 3);
        assert_int_equal(r->end, 8);
        assert_int_equal(r->length, 10);
        assert_int_equal(r->sent, 1000);
        assert_int_equal(r->due, 5000);
        assert_int_equal(r->peer.sin6_family, AF_INET);
        // Neither fewer nor more bytes or descriptors.
        assert_false(handoff_record_parse(message, in_memory ? 2 : 1, &p));
        assert_false(handoff_record_parse(message, 0, &p));
        for (size_t len = 0; len < message.len; len++)
            assert_false(handoff_record_parse(slice_make(message.ptr, len), in_memory ? 1 : 2, &p));
        free((char *)(uintptr_t)message.ptr);
        free_sample(&s);
    }
}

// Of one connection, all that is sent is determined: nothing of the sender's memory goes with it.
static void test_leaks_nothing(void **state)
{
    struct sample s;
    struct handoff_parts a, b;
    (void)state;
    make_sending(&s, true);
    memset(&a, 0x11, sizeof(a));
    memset(&b, 0x22, sizeof(b));
    handoff_record_make(&s.conn, &a);
    handoff_record_make(&s.conn, &b);
    assert_memory_equal(&a.record, &b.record, sizeof(a.record));
    free_sample(&s);
}

static void make_idle(struct sample *s)
{
    make_waiting(s, CONN_IDLE, NULL);
}

static void make_new(struct sample *s)
{
    make_waiting(s, CONN_HEAD, NULL);
}

static void make_begun(struct sample *s)
{
    make_waiting(s, CONN_HEAD, "GET /");
}

static void make_file(struct sample *s)
{
    make_sending(s, false);
}

static void make_memory(struct sample *s)
{
    make_sending(s, true);
}

// Each value that no sender has, in a message that is right without it.
#define WRONG(make, member, value)                                                      \
    {                                                                                   \
        make, offsetof(struct handoff_record, member),                                  \
            sizeof(((struct handoff_record *)NULL)->member), (value), #make " " #member \
    }

static const struct {
    void (*make)(struct sample *);
    size_t offset, size;
    uint64_t value;
    const char *text;
} wrongs[] = {
    WRONG(make_idle, magic, 0),
    WRONG(make_idle, version, 0),
    WRONG(make_idle, version, 2),
    WRONG(make_idle, size, 0),
    WRONG(make_idle, size, sizeof(struct handoff_record) + 8),
    WRONG(make_idle, state, CONN_FREE),
    WRONG(make_idle, state, CONN_LAST),
    WRONG(make_idle, state, CONN_BODY),
    WRONG(make_idle, state, CONN_LINGER),
    WRONG(make_idle, state, CONN_STATES),
    WRONG(make_idle, state, 255),
    WRONG(make_idle, ending, CONN_CLOSES),
    WRONG(make_idle, ending, CONN_LINGERS + 1),
    WRONG(make_idle, eof, 2),
    WRONG(make_idle, has_file, 1),
    WRONG(make_idle, status, 600),
    WRONG(make_idle, status, UINT32_MAX),
    WRONG(make_idle, peer.sin6_family, AF_UNSPEC),
    WRONG(make_idle, peer.sin6_family, AF_NETLINK),
    WRONG(make_idle, split, 1),
    WRONG(make_idle, offset, 1),
    WRONG(make_idle, end, 1),
    WRONG(make_idle, in_len, 1),
    WRONG(make_idle, out_len, 1),
    WRONG(make_idle, content_len, 1),
    WRONG(make_idle, held_len, 1),
    WRONG(make_new, ending, CONN_CLOSES),
    WRONG(make_new, has_file, 1),
    WRONG(make_begun, state, CONN_IDLE),
    WRONG(make_begun, in_len, 0),
    WRONG(make_begun, in_len, 4),
    WRONG(make_begun, in_len, 6),
    WRONG(make_begun, in_len, UINT32_MAX),
    WRONG(make_file, state, CONN_HEAD),
    WRONG(make_file, state, CONN_IDLE),
    WRONG(make_file, ending, CONN_LINGERS + 1),
    WRONG(make_file, has_file, 0),
    WRONG(make_file, has_file, 2),
    WRONG(make_file, eof, 255),
    WRONG(make_file, offset, 9),
    WRONG(make_file, offset, UINT64_MAX),
    WRONG(make_file, end, 2),
    WRONG(make_file, end, 14), // more than the content's length is left
    WRONG(make_file, end, (uint64_t)INT64_MAX + 1),
    WRONG(make_file, length, 4),
    WRONG(make_file, split, 7),
    WRONG(make_file, split, UINT32_MAX),
    WRONG(make_file, out_len, 14),
    WRONG(make_file, held_len, 7),
    WRONG(make_file, content_len, 1),
    WRONG(make_memory, has_file, 1),
    WRONG(make_memory, offset, 2),
    WRONG(make_memory, end, 9),
    WRONG(make_memory, length, 4),
    WRONG(make_memory, content_len, 4),
    WRONG(make_memory, content_len, UINT32_MAX),
};

static void test_wrong_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
        struct sample s;
        struct handoff_parts p;
        wrongs[i].make(&s);
        struct slice message = message_of(&s.conn);
        char *data = (char *)(uintptr_t)message.ptr;
        for (size_t fds = 1; fds <= 2; fds++)
            assert_int_equal(handoff_record_parse(message, fds, &p),
                             (wrongs[i].make == make_file) == (fds == 2));
        memcpy(data + wrongs[i].offset, &wrongs[i].value, wrongs[i].size); // little endian
        for (size_t fds = 0; fds <= 2; fds++)
            if (handoff_record_parse(message, fds, &p))
                fail_msg("%s = %llu passes", wrongs[i].text, (unsigned long long)wrongs[i].value);
        free(data);
        free_sample(&s);
    }
}

// Lengths that add up, but to more than a connection can have.
static void test_too_long(void **state)
{
    static const struct {
        uint32_t content, held;
        bool good;
    } cases[] = {
        {FILECACHE_BODY_MAX, ACCESSLOG_PART_MAX, true},
        {FILECACHE_BODY_MAX + 1, 0, false},
        {0, ACCESSLOG_PART_MAX + 1, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sample s;
        struct handoff_parts p, got;
        make_waiting(&s, CONN_SEND, NULL);
        s.conn.resume = CONN_HEAD;
        handoff_record_make(&s.conn, &p);
        p.record.content_len = cases[i].content;
        p.record.held_len = cases[i].held;
        p.record.end = p.record.length = cases[i].content;
        size_t len = sizeof(p.record) + cases[i].content + cases[i].held;
        char *data = calloc(1, len);
        assert_non_null(data);
        memcpy(data, &p.record, sizeof(p.record));
        assert_int_equal(handoff_record_parse(slice_make(data, len), 1, &got), cases[i].good);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits),     cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_leaks_nothing), cmocka_unit_test(test_wrong_values),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests_name("handoff_record", tests, NULL, NULL);
}
