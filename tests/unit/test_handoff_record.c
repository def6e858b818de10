#include "support/unit.h"

#include "server/handoff_record.h"

#include <stdlib.h>
#include <sys/socket.h>

// Bytes of a message in front of its items.
#define BEGINNING 12

enum {
#define X(member, key, ...) KEY_##member = (key),
    HANDOFF_RECORD_COPIES(X) HANDOFF_RECORD_NUMBERS(X) HANDOFF_RECORD_BYTES(X)
#undef X
};

// A connection whose blocks are its own.
struct sample {
    struct conn conn;
    struct cached_file file;
    char body[100];
};

static struct block *block_with(struct slice text)
{
    struct block *b = calloc(1, sizeof(*b) + 100);
    assert_non_null(b);
    b->start = 3; // the bytes before it are dealt with
    b->end = b->start + (uint32_t)text.len;
    memcpy(b->data + b->start, text.ptr, text.len);
    return b;
}

static void make_waiting(struct sample *s, enum conn_state state, const char *in)
{
    *s = (struct sample){
        .conn = {.state = state, .status = 200, .requests = 7, .sent = 1000, .opened = 99}};
    s->conn.client.sin6_family = AF_INET;
    s->conn.deadline.since = 123456;
    if (in)
        s->conn.in = block_with(slice_of(in));
}

// In the middle of content: bytes of a head, then a file, or memory; requests behind.
static void make_sending(struct sample *s, bool in_memory)
{
    make_waiting(s, CONN_SEND, "GET /next");
    s->conn.resume = CONN_HEAD;
    s->conn.ending = CONN_LINGERS;
    s->conn.eof = true;
    s->conn.due = 5000;
    s->conn.out = block_with(SLICE("HTTP/1.1 200 OK"));
    s->conn.transfer.record = block_with(SLICE("\1\0\3\0\0\0GET"));
    memcpy(s->body, "0123456789", 10);
    s->file = (struct cached_file){.fd = in_memory ? -1 : 5, .body = in_memory ? s->body : NULL};
    s->conn.transfer.file = &s->file;
    s->conn.transfer.offset = 3;
    s->conn.transfer.end = 8;
    s->conn.transfer.length = 10;
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

static void free_sample(struct sample *s)
{
    free(s->conn.in);
    free(s->conn.out);
    free(s->conn.transfer.record);
}

// The message as it goes over the socket.
static struct slice joined(const struct handoff_message *m, char data[static 1000])
{
    struct buf b = buf_make(data, 1000);
    for (size_t i = 0; i < m->count; i++)
        buf_put(&b, m->parts[i]);
    assert_false(b.overflow);
    return buf_slice(&b);
}

static struct slice message_of(const struct conn *c, char data[static 1000])
{
    struct handoff_record r;
    struct handoff_message m;
    assert_true(handoff_record_fits(c));
    handoff_record_make(c, &r);
    handoff_record_format(&r, &m);
    return joined(&m, data);
}

// Sets the message's length in its beginning.
static void set_length(struct buf *b)
{
    const uint32_t len = (uint32_t)b->len;
    assert_false(b->overflow);
    memcpy(b->data + 8, &len, sizeof(len));
}

// The message of such a connection with another value under that key: without one if it is empty.
static struct buf altered(void (*make)(struct sample *), unsigned key, struct slice value,
                          char data[static 1000])
{
    char original[1000];
    struct sample s;
    struct tlv_item item;
    struct buf b = buf_make(data, 1000);
    make(&s);
    struct slice rest = message_of(&s.conn, original);
    buf_put(&b, slice_make(rest.ptr, BEGINNING));
    rest = slice_skip(rest, BEGINNING);
    while (rest.len) {
        assert_true(tlv_next(&rest, &item));
        if (item.key != key)
            tlv_put(&b, item.key, item.value);
    }
    tlv_put(&b, (uint16_t)key, value);
    set_length(&b);
    free_sample(&s);
    return b;
}

static struct slice number_bytes(const uint64_t *number)
{
    return slice_make((const char *)number, *number ? sizeof(*number) : 0);
}

static size_t fds_of(void (*make)(struct sample *))
{
    return make == make_file ? 2 : 1;
}

static bool is_good(struct slice message, size_t fd_count)
{
    struct handoff_record r;
    return handoff_record_parse(message, fd_count, &r);
}

// ---- what is made ------------------------------------------------------------------------------

TEST(test_what_fits)
{
    static const bool fits[CONN_STATES] = {
        [CONN_HEAD] = 1, [CONN_IDLE] = 1, [CONN_SEND] = 1, [CONN_ROOT] = 1, [CONN_PROXY] = 1};
    struct body_source pieces;
    for (enum conn_state s = CONN_FREE; s < CONN_STATES; s++) {
        struct conn c = {.state = s, .resume = CONN_HEAD};
        assert_int_equal(handoff_record_fits(&c), fits[s]);
        c.broken = true;
        assert_false(handoff_record_fits(&c));
        c.broken = false;
        c.transfer.source = &pieces;
        assert_false(handoff_record_fits(&c));
    }
    // Answers are stuck, and behind them content is awaited.
    struct conn c = {.state = CONN_SEND, .resume = CONN_BODY};
    assert_false(handoff_record_fits(&c));
    struct handoff_record r; // where the swapped root is, it is a head as any other
    handoff_record_make(&(struct conn){.state = CONN_ROOT, .eof = true}, &r);
    assert_true(r.state == CONN_HEAD && !r.eof);
}

static void assert_sending(const struct handoff_record *r, bool in_memory)
{
    assert_slice(r->in, "GET /next");
    assert_slice(r->out, "HTTP/1.1 200 OK");
    assert_slice(r->content, in_memory ? "34567" : "");
    assert_int_equal(r->access.len, TLV_HEAD + 3);
    assert_int_equal(r->state, CONN_SEND);
    assert_int_equal(r->ending, CONN_LINGERS);
    assert_int_equal(r->eof, 1);
    assert_int_equal(r->has_file, !in_memory);
    assert_int_equal(r->status, 200);
    assert_int_equal(r->requests, 7);
    assert_int_equal(r->opened, 99);
    assert_int_equal(r->since, 123456);
    assert_int_equal(r->offset, 3);
    assert_int_equal(r->end, 8);
    assert_int_equal(r->length, 10);
    assert_int_equal(r->sent, 1000);
    assert_int_equal(r->due, 5000);
    assert_int_equal(handoff_record_peer(r).sin6_family, AF_INET);
}

TEST(test_round_trip)
{
    for (int in_memory = 0; in_memory <= 1; in_memory++) {
        char data[1000];
        struct sample s;
        struct handoff_record r;
        size_t fds = in_memory ? 1 : 2;
        make_sending(&s, in_memory);
        struct slice message = message_of(&s.conn, data);
        assert_true(handoff_record_parse(message, fds, &r));
        assert_sending(&r, in_memory);
        // Neither more nor fewer descriptors.
        assert_false(is_good(message, 3 - fds));
        assert_false(is_good(message, 0));
        free_sample(&s);
    }
}

// Neither fewer bytes nor more.
TEST(test_other_length)
{
    char data[1000] = {0};
    struct sample s;
    make_file(&s);
    struct slice message = message_of(&s.conn, data);
    assert_true(is_good(message, 2));
    for (size_t len = 0; len < message.len; len++) {
        char *copy = malloc(len + 1); // whose end a sanitizer guards
        assert_non_null(copy);
        memcpy(copy, message.ptr, len);
        assert_false(is_good(slice_make(copy, len), 2));
        free(copy);
    }
    for (size_t len = message.len + 1; len < sizeof(data); len++)
        assert_false(is_good(slice_make(data, len), 2));
    free_sample(&s);
}

// Wherever the last value ends, if the length agrees.
TEST(test_cut_off)
{
    char data[1000];
    struct buf b = altered(make_file, 0, (struct slice){NULL, 0}, data);
    size_t whole = b.len, good = 0;
    for (b.len = BEGINNING; b.len < whole; b.len++) {
        char *copy = malloc(b.len);
        assert_non_null(copy);
        set_length(&b);
        memcpy(copy, data, b.len);
        good += is_good(slice_make(copy, b.len), 2);
        free(copy);
    }
    assert_int_equal(good, 3); // without what was received, what is to be sent, facts for the log
}

// ---- another version of the program ------------------------------------------------------------

TEST(test_unknown_keys)
{
    char data[1000];
    struct handoff_record r;
    for (unsigned key = 1000; key < 0x10000; key += 0x1000) {
        struct buf b = altered(make_memory, key, SLICE("unknown"), data);
        bool is_optional = !(key & HANDOFF_RECORD_MUST);
        assert_int_equal(handoff_record_parse(buf_slice(&b), 1, &r), is_optional);
        if (is_optional)
            assert_sending(&r, true);
    }
}

// In which order values come does not matter, nor whether unknown ones stand between them.
TEST(test_order)
{
    char data[1000], turned[1000];
    struct sample s;
    struct tlv_item items[30];
    struct handoff_record r;
    size_t count = 0;
    make_memory(&s);
    struct slice message = message_of(&s.conn, data);
    struct slice rest = slice_skip(message, BEGINNING);
    while (rest.len)
        assert_true(count < ARRAY_SIZE(items) && tlv_next(&rest, &items[count++]));
    struct buf b = buf_make(turned, sizeof(turned));
    buf_put(&b, slice_make(message.ptr, BEGINNING));
    while (count-- > 0) {
        tlv_put(&b, items[count].key, items[count].value);
        tlv_put_number(&b, 1234, count);
    }
    set_length(&b);
    assert_true(handoff_record_parse(buf_slice(&b), 1, &r));
    assert_sending(&r, true);
    free_sample(&s);
}

// A sender that does not know a key leaves it out: the value is 0, or nothing.
TEST(test_absent_keys)
{
    static const struct {
        unsigned key;
        bool is_needed;
    } cases[] = {
        {KEY_ending, false}, {KEY_eof, false},    {KEY_status, false}, {KEY_requests, false},
        {KEY_sent, false},   {KEY_opened, false}, {KEY_due, false},    {KEY_since, false},
        {KEY_access, false}, {KEY_in, false},     {KEY_out, false},    {KEY_offset, true},
        {KEY_length, true},  {KEY_end, true},     {KEY_state, true},   {KEY_peer, true},
        {KEY_content, true},
    };
    char data[1000];
    struct handoff_record r;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = altered(make_memory, cases[i].key, (struct slice){NULL, 0}, data);
        assert_int_equal(handoff_record_parse(buf_slice(&b), 1, &r), !cases[i].is_needed);
    }
    struct buf b = altered(make_memory, KEY_ending, (struct slice){NULL, 0}, data);
    assert_true(handoff_record_parse(buf_slice(&b), 1, &r));
    assert_int_equal(r.ending, CONN_STAYS);
    assert_int_equal(r.status, 200);
}

// ---- what no sender sends ----------------------------------------------------------------------

#define WRONG(make, member, value)                                \
    {                                                             \
        make, KEY_##member, value, #make " " #member " = " #value \
    }

TEST(test_wrong_numbers)
{
    static const struct {
        void (*make)(struct sample *);
        unsigned key;
        uint64_t value;
        const char *text;
    } cases[] = {
        WRONG(make_idle, state, CONN_FREE),
        WRONG(make_idle, state, CONN_LAST),
        WRONG(make_idle, state, CONN_BODY),
        WRONG(make_idle, state, CONN_LINGER),
        WRONG(make_idle, state, CONN_STATES),
        WRONG(make_idle, state, 255),
        WRONG(make_idle, state, 256 + CONN_IDLE),
        WRONG(make_idle, ending, CONN_CLOSES),
        WRONG(make_idle, ending, CONN_LINGERS + 1),
        WRONG(make_idle, state, CONN_SEND),
        WRONG(make_idle, eof, 1),
        WRONG(make_idle, eof, 2),
        WRONG(make_idle, has_file, 1),
        WRONG(make_idle, status, 600),
        WRONG(make_idle, status, UINT64_MAX),
        WRONG(make_idle, requests, UINT64_C(1) << 32),
        WRONG(make_idle, offset, 1),
        WRONG(make_idle, end, 1),
        WRONG(make_new, eof, 1),
        WRONG(make_new, ending, CONN_CLOSES),
        WRONG(make_new, has_file, 1),
        WRONG(make_begun, state, CONN_IDLE),
        WRONG(make_begun, state, CONN_SEND),
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
        WRONG(make_memory, has_file, 1),
        WRONG(make_memory, offset, 2),
        WRONG(make_memory, end, 9),
        WRONG(make_memory, length, 4),
    };
    char data[1000];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = altered(cases[i].make, 0, (struct slice){NULL, 0}, data);
        for (size_t fds = 1; fds <= 2; fds++)
            assert_int_equal(is_good(buf_slice(&b), fds), fds == fds_of(cases[i].make));
        b = altered(cases[i].make, cases[i].key, number_bytes(&cases[i].value), data);
        for (size_t fds = 0; fds <= 2; fds++)
            if (is_good(buf_slice(&b), fds))
                fail_msg("%s passes", cases[i].text);
    }
}

#undef WRONG
#define WRONG(make, member, bytes)                                                     \
    {                                                                                  \
        make, KEY_##member, {bytes, sizeof(bytes) - 1}, #make " " #member " = " #bytes \
    }

TEST(test_wrong_bytes)
{
    static const struct {
        void (*make)(struct sample *);
        unsigned key;
        struct slice value;
        const char *text;
    } cases[] = {
        WRONG(make_idle, state, "2"),
        WRONG(make_idle, state, "\2\0\0\0\0\0\0\0\0"),
        WRONG(make_idle, peer, "\2\0"),
        WRONG(make_idle, in, "x"),
        WRONG(make_idle, out, "x"),
        WRONG(make_idle, content, "x"),
        WRONG(make_idle, access, "\1\0\3\0\0\0GET"),
        WRONG(make_new, out, "x"),
        WRONG(make_begun, access, "\1\0\3\0\0\0GET"),
        WRONG(make_file, content, "x"),
        WRONG(make_file, access, "GET"),
        WRONG(make_file, access, "\1\0\4\0\0\0GET"),
        WRONG(make_memory, content, "1234"),
        WRONG(make_memory, content, "123456"),
    };
    char data[1000];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = altered(cases[i].make, cases[i].key, cases[i].value, data);
        for (size_t fds = 0; fds <= 2; fds++)
            if (is_good(buf_slice(&b), fds))
                fail_msg("%s passes", cases[i].text);
    }
}

TEST(test_wrong_family)
{
    static const sa_family_t families[] = {AF_UNSPEC, AF_NETLINK, 255};
    char data[1000];
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        const struct sockaddr_in6 peer = {.sin6_family = families[i]};
        struct buf b = altered(make_idle, KEY_peer, slice_make((const char *)&peer, sizeof(peer)),
                               data);
        assert_false(is_good(buf_slice(&b), 1));
    }
}

TEST(test_other_beginning)
{
    char data[1000];
    for (size_t bit = 0; bit < 8 * BEGINNING; bit++) {
        struct buf b = altered(make_idle, 0, (struct slice){NULL, 0}, data);
        assert_true(is_good(buf_slice(&b), 1));
        data[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(is_good(buf_slice(&b), 1));
    }
}

// Lengths that are right, but more than a connection can have.
TEST(test_too_long)
{
    static char junk[CACHED_FILE_BODY_MAX + 1], data[CACHED_FILE_BODY_MAX + 4000];
    static const struct {
        size_t content, access;
        bool good;
    } cases[] = {
        {CACHED_FILE_BODY_MAX, 0, true},
        {CACHED_FILE_BODY_MAX + 1, 0, false},
        {0, ACCESS_RECORD_MAX + 1, false},
    };
    const struct sockaddr_in6 peer = {.sin6_family = AF_INET};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct handoff_record r = {
            .state = CONN_SEND,
            .peer = slice_make((const char *)&peer, sizeof(peer)),
            .end = cases[i].content,
            .length = cases[i].content,
            .content = slice_make(junk, cases[i].content),
            .access = slice_make(junk, cases[i].access),
        };
        struct handoff_message m;
        struct buf b = buf_make(data, sizeof(data));
        handoff_record_format(&r, &m);
        for (size_t n = 0; n < m.count; n++)
            buf_put(&b, m.parts[n]);
        assert_false(b.overflow);
        assert_int_equal(is_good(buf_slice(&b), 1), cases[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_fits),       cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_other_length),    cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_unknown_keys),    cmocka_unit_test(test_order),
        cmocka_unit_test(test_absent_keys),     cmocka_unit_test(test_wrong_numbers),
        cmocka_unit_test(test_wrong_bytes),     cmocka_unit_test(test_wrong_family),
        cmocka_unit_test(test_other_beginning), cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests_name("handoff_record", tests, NULL, NULL);
}
