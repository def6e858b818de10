// The record of a connection that changes hands: whatever passes can be served, and is made of
// nothing but the message.
//
// Input: number of descriptors, which fields are set right, then the message.
#include "fuzz.h"

#include "base/util.h"
#include "server/accesslog.h"
#include "server/handoff_record.h"

#include <stdio.h>
#include <sys/socket.h>

static void check_inside(struct slice part, const char **at)
{
    assert(part.ptr == *at);
    *at += part.len;
}

// What server/handoff.c and the loop rely on.
static void check(const struct handoff_parts *p, const char *message, size_t len, size_t fds)
{
    const struct handoff_record *r = &p->record;
    const char *at = message + sizeof(*r);
    check_inside(p->in, &at);
    check_inside(p->out, &at);
    check_inside(p->content, &at);
    check_inside(p->held, &at);
    assert(at == message + len);
    assert(fds == 1 + (size_t)r->has_file);
    assert(r->state == CONN_HEAD || r->state == CONN_IDLE || r->state == CONN_SEND);
    assert(r->state == CONN_SEND || (p->out.len == 0 && p->content.len == 0 && p->held.len == 0 &&
                                     !r->has_file && r->ending == CONN_STAYS));
    assert(r->state != CONN_IDLE || p->in.len == 0);
    assert(r->ending <= CONN_LINGERS && r->eof <= 1 && r->status < 600);
    assert(p->held.len <= ACCESSLOG_PART_MAX && r->split <= p->held.len);
    assert(p->content.len <= FILECACHE_BODY_MAX);
    assert(!(r->has_file && p->content.len));
    assert(r->offset <= r->end && r->end <= INT64_MAX);
    // What is left is at most all: the access log subtracts.
    assert(r->end - r->offset <= r->length || r->end == r->offset);
    assert(r->has_file || r->end - r->offset == p->content.len);
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

static void assert_same(struct slice a, struct slice b)
{
    assert(slice_equal(a, b));
}

// Who takes it and hands it over in turn sends the same.
static void check_again(const struct handoff_parts *p)
{
    const struct handoff_record *r = &p->record;
    char *body = p->content.len ? fuzz_copy(p->content) : NULL;
    struct cached_file file = {.fd = -1, .body = body};
    struct conn c = {.state = r->state,
                     .resume = CONN_HEAD,
                     .ending = r->ending,
                     .eof = r->eof,
                     .status = (uint16_t)r->status,
                     .requests = r->requests,
                     .split = r->split,
                     .offset = body ? 0 : r->offset,
                     .end = body ? p->content.len : r->end,
                     .length = r->length,
                     .file = body || r->has_file ? &file : NULL,
                     .in = block_of(p->in),
                     .out = block_of(p->out),
                     .held = block_of(p->held)};
    struct handoff_parts again;
    assert(handoff_record_fits(&c));
    handoff_record_make(&c, &again);
    assert_same(p->in, again.in);
    assert_same(p->out, again.out);
    assert_same(p->content, again.content);
    assert_same(p->held, again.held);
    assert(again.record.has_file == r->has_file && again.record.split <= r->split);
    assert(!c.file || again.record.end - again.record.offset == r->end - r->offset);
    free(c.in);
    free(c.out);
    free(c.held);
    free(body);
}

// Values that chance would not find.
static void set_right(char *message, size_t len, uint8_t which)
{
    struct conn c = {.state = CONN_IDLE, .peer.sin6_family = AF_INET};
    struct handoff_parts right;
    struct handoff_record r;
    if (len < sizeof(r))
        return;
    memcpy(&r, message, sizeof(r));
    handoff_record_make(&c, &right);
    if (which & 1) {
        r.magic = right.record.magic;
        r.version = right.record.version;
        r.size = right.record.size;
    }
    if (which & 2)
        r.peer.sin6_family = right.record.peer.sin6_family;
    if (which & 4)
        r.in_len = (uint32_t)(len - sizeof(r)) - r.out_len - r.content_len - r.held_len;
    if (which & 8)
        r.end = r.offset + r.content_len;
    memcpy(message, &r, sizeof(r));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = fuzz_slice(bytes, size);
    size_t fds = fuzz_byte(&data) % 4;
    uint8_t which = fuzz_byte(&data);
    char *message = fuzz_copy(data);
    struct handoff_parts p;
    set_right(message, data.len, which);
    if (handoff_record_parse(slice_make(message, data.len), fds, &p)) {
        check(&p, message, data.len, fds);
        check_again(&p);
    }
    free(message);
    return 0;
}
