#include "server/handoff_record.h"

#include "server/accesslog.h"

#include <sys/socket.h>

#define MAGIC          0x656e6974u // "tine"
#define RECORD_VERSION 1u

// ---- making ------------------------------------------------------------------------------------

bool handoff_record_fits(const struct conn *c)
{
    if (c->broken || c->pieces)
        return false;
    if (c->state == CONN_SEND)
        return c->resume == CONN_HEAD;
    return c->state == CONN_HEAD || c->state == CONN_IDLE;
}

static struct slice bytes_of(const struct block *b)
{
    return b ? block_slice(b) : (struct slice){NULL, 0};
}

// Content that is in memory goes as bytes, content in a file as the file.
static void make_content(const struct conn *c, struct handoff_parts *m)
{
    if (!c->file)
        return;
    m->record.offset = c->offset;
    m->record.end = c->end;
    if (c->file->body)
        m->content = slice_make(c->file->body + c->offset, (size_t)(c->end - c->offset));
    else
        m->record.has_file = true;
}

void handoff_record_make(const struct conn *c, struct handoff_parts *ret)
{
    struct handoff_record *r = &ret->record;
    memset(ret, 0, sizeof(*ret)); // with what lies between the members: it leaves the process
    ret->in = bytes_of(c->in);
    ret->out = bytes_of(c->out);
    ret->held = bytes_of(c->held);
    make_content(c, ret);
    r->magic = MAGIC;
    r->version = RECORD_VERSION;
    r->size = sizeof(*r);
    r->state = c->state;
    r->ending = c->ending;
    r->eof = c->eof;
    r->status = c->status;
    r->requests = c->requests;
    r->split = ret->held.len ? c->split : 0;
    r->since = c->deadline.since;
    r->length = c->length;
    r->sent = c->sent;
    r->due = c->due;
    r->in_len = (uint32_t)ret->in.len;
    r->out_len = (uint32_t)ret->out.len;
    r->content_len = (uint32_t)ret->content.len;
    r->held_len = (uint32_t)ret->held.len;
    r->peer = c->peer;
}

// ---- reading -----------------------------------------------------------------------------------

static bool is_ours(const struct handoff_record *r)
{
    return r->magic == MAGIC && r->version == RECORD_VERSION && r->size == sizeof(*r);
}

static bool has_good_lengths(const struct handoff_record *r, size_t rest)
{
    return (uint64_t)r->in_len + r->out_len + r->content_len + r->held_len == rest &&
           r->content_len <= FILECACHE_BODY_MAX && r->held_len <= ACCESSLOG_PART_MAX &&
           r->split <= r->held_len;
}

// What is left of the content is where the record says, and no more than all of it.
static bool has_good_range(const struct handoff_record *r)
{
    if (r->offset > r->end || r->end > INT64_MAX)
        return false;
    uint64_t left = r->end - r->offset;
    return r->has_file ? r->content_len == 0 && left <= r->length
                       : r->content_len == left && (left == 0 || left <= r->length);
}

static bool has_good_values(const struct handoff_record *r)
{
    return r->ending <= CONN_LINGERS && r->eof <= 1 && r->has_file <= 1 && r->status <= 599 &&
           (r->peer.sin6_family == AF_INET || r->peer.sin6_family == AF_INET6 ||
            r->peer.sin6_family == AF_UNIX);
}

// Who sends nothing has nothing to send; who is idle has not begun a request.
static bool has_good_state(const struct handoff_record *r)
{
    bool sends = r->out_len || r->content_len || r->held_len || r->has_file;
    bool waits = !sends && r->ending == CONN_STAYS;
    return r->state == CONN_SEND || (r->state == CONN_HEAD && waits) ||
           (r->state == CONN_IDLE && waits && r->in_len == 0);
}

static struct slice cut(struct slice *rest, uint32_t len)
{
    struct slice s = slice_make(rest->ptr, len);
    *rest = slice_skip(*rest, len);
    return s;
}

bool handoff_record_parse(struct slice message, size_t fd_count, struct handoff_parts *ret)
{
    struct handoff_record r;
    if (message.len < sizeof(r))
        return false;
    memcpy(&r, message.ptr, sizeof(r));
    struct slice rest = slice_skip(message, sizeof(r));
    if (!is_ours(&r) || !has_good_lengths(&r, rest.len) || !has_good_values(&r) ||
        !has_good_range(&r) || !has_good_state(&r) || fd_count != (r.has_file ? 2u : 1u))
        return false;
    ret->record = r;
    ret->in = cut(&rest, r.in_len);
    ret->out = cut(&rest, r.out_len);
    ret->content = cut(&rest, r.content_len);
    ret->held = cut(&rest, r.held_len);
    return true;
}
