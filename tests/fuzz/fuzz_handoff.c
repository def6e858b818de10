// The record of a connection that changes hands: whatever passes can be served, and is made of
// nothing but the message.
//
// Input: number of descriptors; how the rest is read; the rest. It is a whole message, or what
// follows a right beginning: items, or a list of {key, length, bytes} that items are made of.
#include "fuzz.h"

#include "base/util.h"
#include "server/handoff_record.h"

#include <sys/socket.h>

enum { READ_WHOLE, READ_ITEMS, READ_LIST, READ_LIST_WITH_PEER };

#define MESSAGE_MAX 8192

static void check_inside(struct slice part, struct slice message)
{
    assert(part.len == 0 ||
           (part.ptr >= message.ptr && part.ptr + part.len <= message.ptr + message.len));
}

// Facts that are taken and kept once more are the same.
static void check_facts(struct slice access)
{
    char text[ACCESS_RECORD_MAX];
    struct buf b = buf_make(text, sizeof(text));
    struct access_record facts = {0}, again = {0};
    assert(access_record_unpack(access, &facts));
    access_record_pack(&facts, &b);
    assert(!b.overflow && access_record_unpack(buf_slice(&b), &again));
#define X(member, ...) assert(slice_equal(facts.member, again.member));
    ACCESS_RECORD_TEXTS(X)
#undef X
#define X(member, ...) assert(facts.member == again.member && facts.member >= 0);
    ACCESS_RECORD_NUMBERS(X)
#undef X
}

// All that server/handoff.c and the loop rely on.
static void check(const struct handoff_record *r, struct slice message, size_t fds)
{
#define X(member, key, most)          \
    check_inside(r->member, message); \
    assert(r->member.len <= (most));
    HANDOFF_RECORD_BYTES(X)
#undef X
#define X(member, key, most, ...) assert(r->member <= (most));
    HANDOFF_RECORD_COPIES(X)
    HANDOFF_RECORD_NUMBERS(X)
#undef X
    assert(fds == 1 + r->has_file);
    assert(r->state == CONN_HEAD || r->state == CONN_IDLE || r->state == CONN_SEND);
    assert(r->state == CONN_SEND || (r->out.len == 0 && r->content.len == 0 && r->access.len == 0 &&
                                     !r->has_file && r->ending == CONN_STAYS && !r->eof));
    assert(r->state != CONN_SEND || r->out.len || r->offset < r->end);
    assert(r->state != CONN_IDLE || r->in.len == 0);
    assert(!(r->has_file && r->content.len));
    assert(r->offset <= r->end);
    // The rest is at most all: the access log subtracts.
    assert(r->end - r->offset <= r->length || r->end == r->offset);
    assert(r->has_file || r->end - r->offset == r->content.len);
    check_facts(r->access);
    (void)handoff_record_peer(r);
}

static struct block *block_of(struct slice bytes)
{
    if (bytes.len == 0)
        return NULL;
    struct block *b = malloc(sizeof(*b) + bytes.len);
    assert(b);
    b->start = 0;
    b->end = (uint32_t)bytes.len;
    memcpy(b->data, bytes.ptr, bytes.len);
    return b;
}

// The message of a record, in exactly its length. The caller frees.
static struct slice format(const struct handoff_record *r)
{
    struct handoff_message m;
    size_t len = 0;
    handoff_record_format(r, &m);
    for (size_t i = 0; i < m.count; i++)
        len += m.parts[i].len;
    char *data = malloc(len);
    assert(data);
    struct buf b = buf_make(data, len);
    for (size_t i = 0; i < m.count; i++)
        buf_put(&b, m.parts[i]);
    assert(!b.overflow);
    return buf_slice(&b);
}

static void assert_same(const struct handoff_record *a, const struct handoff_record *b)
{
#define X(member, ...) assert(slice_equal(a->member, b->member));
    HANDOFF_RECORD_BYTES(X)
#undef X
#define X(member, ...) assert(a->member == b->member);
    HANDOFF_RECORD_COPIES(X)
#undef X
    assert(a->state == b->state && a->since == b->since && a->has_file == b->has_file);
    assert(!(a->has_file || a->content.len) || a->end - a->offset == b->end - b->offset);
}

// The loop that takes it and hands it over in turn sends the same.
static void check_again(const struct handoff_record *r, size_t fds)
{
    char *body = r->content.len ? fuzz_copy(r->content) : NULL;
    struct cached_file file = {.fd = -1, .body = body};
    struct conn c = {.state = (uint8_t)r->state,
                     .resume = CONN_HEAD,
                     .deadline = {.since = (int64_t)r->since},
                     .client = handoff_record_peer(r),
                     .in = block_of(r->in),
                     .out = block_of(r->out),
                     .transfer = {.file = body || r->has_file ? &file : NULL,
                                  .offset = body ? 0 : r->offset,
                                  .end = body ? r->content.len : r->end,
                                  .record = block_of(r->access)}};
    struct handoff_record made, again;
#define X(member, key, most, place) c.place = (__typeof__(c.place))r->member;
    HANDOFF_RECORD_COPIES(X)
#undef X
    assert(handoff_record_fits(&c));
    handoff_record_make(&c, &made);
    struct slice message = format(&made);
    assert(handoff_record_parse(message, fds, &again));
    assert_same(r, &again);
    free((char *)(uintptr_t)message.ptr);
    free(c.in);
    free(c.out);
    free(c.transfer.record);
    free(body);
}

// The right beginning, as a message without items has it, but for its length.
static void put_beginning(struct buf *b)
{
    const struct handoff_record none = {0};
    struct slice message = format(&none);
    buf_put(b, message);
    free((char *)(uintptr_t)message.ptr);
}

static struct slice take(struct slice *from, size_t len)
{
    struct slice s = slice_make(from->ptr, MIN(len, from->len));
    *from = slice_skip(*from, s.len);
    return s;
}

static void put_list(struct buf *b, struct slice data)
{
    while (data.len) {
        uint16_t key = fuzz_byte(&data);
        uint8_t len = fuzz_byte(&data);
        struct slice value = take(&data, len);
        uint64_t number = value.len ? (uint8_t)value.ptr[0] : 0;
        if (key < 32 && value.len == 1) // a short number
            tlv_put_number(b, key, number);
        else
            tlv_put(b, key, value);
    }
}

static void put_peer(struct buf *b)
{
    const struct sockaddr_in6 peer = {.sin6_family = AF_INET};
    tlv_put(b, 32, slice_make((const char *)&peer, sizeof(peer)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = fuzz_slice(bytes, size);
    char text[MESSAGE_MAX];
    struct buf b = buf_make(text, sizeof(text));
    size_t fds = fuzz_byte(&data) % 4;
    uint8_t how = fuzz_byte(&data) % 4;
    if (how != READ_WHOLE)
        put_beginning(&b);
    if (how == READ_LIST_WITH_PEER)
        put_peer(&b);
    if (how == READ_LIST || how == READ_LIST_WITH_PEER)
        put_list(&b, data);
    else
        buf_put(&b, data);
    if (how != READ_WHOLE) {
        uint32_t len = (uint32_t)b.len;
        memcpy(text + 8, &len, sizeof(len));
    }
    char *message = fuzz_copy(buf_slice(&b));
    struct handoff_record r;
    if (handoff_record_parse(slice_make(message, b.len), fds, &r)) {
        check(&r, slice_make(message, b.len), fds);
        check_again(&r, fds);
    }
    free(message);
    return 0;
}
