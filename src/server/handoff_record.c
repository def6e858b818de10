#include "server/handoff_record.h"

#include "base/util.h"

#include <assert.h>
#include <sys/socket.h>

// The beginning of each message.
struct beginning {
    uint32_t magic;
    uint32_t version; // of the form: what is said under keys changes without it
    uint32_t len;     // of the whole message
};

#define MAGIC          0x656e6974u // "tine"
#define RECORD_VERSION 2u

// Numbers that leave the process are the same in each version.
_Static_assert(CONN_HEAD == 1 && CONN_IDLE == 2 && CONN_SEND == 5 && CONN_PROXY == 10,
               "states in records");
_Static_assert(CONN_STAYS == 0 && CONN_CLOSES == 1 && CONN_LINGERS == 2, "endings in records");

// ---- making ------------------------------------------------------------------------------------

bool handoff_record_fits(const struct conn *c)
{
    if (c->broken || c->transfer.source || c->asking || transfer_is_far(&c->transfer))
        return false;
    if (c->state == CONN_SEND)
        return c->resume == CONN_HEAD;
    return c->state == CONN_HEAD || c->state == CONN_IDLE || c->state == CONN_ROOT ||
           c->state == CONN_PROXY;
}

static struct slice bytes_of(const struct block *b)
{
    return b ? block_slice(b) : (struct slice){NULL, 0};
}

// Content that is in memory goes as bytes, content in a file as the file.
static void make_content(const struct conn *c, struct handoff_record *r)
{
    const struct transfer *t = &c->transfer;
    if (!t->file)
        return;
    r->offset = t->offset;
    r->end = t->end;
    r->content = transfer_bytes(t);
    r->has_file = transfer_is_in_file(t);
}

void handoff_record_make(const struct conn *c, struct handoff_record *ret)
{
    *ret = (struct handoff_record){
#define X(member, key, most, place) .member = c->place,
        HANDOFF_RECORD_COPIES(X)
#undef X
            .state = c->state,
        .since = (uint64_t)c->deadline.since,
        .peer = slice_make((const char *)&c->client, sizeof(c->client)),
        .access = bytes_of(c->transfer.record),
        .in = bytes_of(c->in),
        .out = bytes_of(c->out),
    };
    make_content(c, ret);
    if (c->state == CONN_ROOT) { // where that root is, it is a head as any other
        ret->state = CONN_HEAD;
        ret->eof = false; // which is heard of once more
    }
}

static void add_part(struct handoff_message *m, struct slice part)
{
    assert(m->count < ARRAY_SIZE(m->parts));
    if (part.len)
        m->parts[m->count++] = part;
}

void handoff_record_format(const struct handoff_record *r, struct handoff_message *ret)
{
    struct buf b = buf_make(ret->text, sizeof(ret->text));
    struct beginning beginning = {MAGIC, RECORD_VERSION, 0};
    size_t begin = 0; // of the text that is in no part yet
    ret->count = 0;
    buf_put(&b, slice_make((const char *)&beginning, sizeof(beginning)));
#define X(member, key, ...) tlv_put_number(&b, key, r->member);
    HANDOFF_RECORD_COPIES(X)
    HANDOFF_RECORD_NUMBERS(X)
#undef X
#define X(member, key, most)                             \
    if (r->member.len) {                                 \
        tlv_put_head(&b, key, r->member.len);            \
        add_part(ret, slice_skip(buf_slice(&b), begin)); \
        add_part(ret, r->member);                        \
        begin = b.len;                                   \
    }
    HANDOFF_RECORD_BYTES(X)
#undef X
    add_part(ret, slice_skip(buf_slice(&b), begin));
    assert(!b.overflow);
    for (size_t i = 0; i < ret->count; i++)
        beginning.len += (uint32_t)ret->parts[i].len;
    memcpy(ret->text, &beginning, sizeof(beginning));
}

// ---- reading -----------------------------------------------------------------------------------

static const struct tlv_member members[] = {
#define X(member, key, most, ...) {key, true, most, offsetof(struct handoff_record, member)},
    HANDOFF_RECORD_COPIES(X) HANDOFF_RECORD_NUMBERS(X)
#undef X
#define X(member, key, most) {key, false, most, offsetof(struct handoff_record, member)},
        HANDOFF_RECORD_BYTES(X)
#undef X
};

// False: the value is none that the key can have, or the key has to be known.
static bool take_item(const struct tlv_item *item, struct handoff_record *r)
{
    enum tlv_taken taken = tlv_take(item, members, ARRAY_SIZE(members), r);
    return taken == TLV_TAKEN || (taken == TLV_UNKNOWN && !(item->key & HANDOFF_RECORD_MUST));
}

// Cuts the beginning off. False: it is another one.
static bool take_beginning(struct slice *message)
{
    struct beginning beginning;
    if (message->len < sizeof(beginning))
        return false;
    memcpy(&beginning, message->ptr, sizeof(beginning));
    bool is_ours = beginning.magic == MAGIC && beginning.version == RECORD_VERSION &&
                   beginning.len == message->len;
    *message = slice_skip(*message, sizeof(beginning));
    return is_ours;
}

static bool take_items(struct slice items, struct handoff_record *r)
{
    while (items.len) {
        struct tlv_item item;
        if (!tlv_next(&items, &item) || !take_item(&item, r))
            return false;
    }
    return true;
}

// The rest of the content is where the record says, and no more than all of it.
static bool has_good_range(const struct handoff_record *r)
{
    if (r->offset > r->end)
        return false;
    uint64_t left = r->end - r->offset;
    return r->has_file ? r->content.len == 0 && left <= r->length
                       : r->content.len == left && (left == 0 || left <= r->length);
}

struct sockaddr_in6 handoff_record_peer(const struct handoff_record *r)
{
    struct sockaddr_in6 peer;
    assert(r->peer.len == sizeof(peer));
    memcpy(&peer, r->peer.ptr, sizeof(peer));
    return peer;
}

static bool has_good_peer(const struct handoff_record *r)
{
    if (r->peer.len != sizeof(struct sockaddr_in6))
        return false;
    const struct sockaddr_in6 peer = handoff_record_peer(r);
    return peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6 ||
           peer.sin6_family == AF_UNIX;
}

static bool has_good_facts(const struct handoff_record *r)
{
    struct access_record record = {0};
    return access_record_unpack(r->access, &record);
}

// SEND has something to send; HEAD, PROXY and IDLE have not, and can hear more from the client;
// IDLE has received nothing either.
static bool has_good_state(const struct handoff_record *r)
{
    bool sends = r->out.len || r->offset < r->end;
    bool waits = !sends && !r->has_file && !r->access.len && r->ending == CONN_STAYS && !r->eof;
    return (r->state == CONN_SEND && sends) ||
           ((r->state == CONN_HEAD || r->state == CONN_PROXY) && waits) ||
           (r->state == CONN_IDLE && waits && r->in.len == 0);
}

bool handoff_record_parse(struct slice message, size_t fd_count, struct handoff_record *ret)
{
    struct handoff_record r = {0};
    if (!take_beginning(&message) || !take_items(message, &r) || !has_good_range(&r) ||
        !has_good_peer(&r) || !has_good_facts(&r) || !has_good_state(&r) ||
        fd_count != 1 + r.has_file)
        return false;
    *ret = r;
    return true;
}
