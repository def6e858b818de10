#include "server/handoff.h"

#include "base/log.h"
#include "base/util.h"
#include "sys/fdpass.h"
#include "sys/transmit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A binary that is upgraded may send to one that knows other records.
#define MAGIC          0x656e6974u // "tine"
#define RECORD_VERSION 1u

// What a connection brings, and one more that receiving must not be the last.
#define SPARE_FDS 3

struct record {
    uint32_t magic;
    uint16_t version;
    uint16_t size;
    uint8_t state; // CONN_HEAD, CONN_IDLE or CONN_SEND
    uint8_t ending;
    uint8_t eof;
    uint8_t has_file;
    uint16_t status;
    uint32_t requests;
    uint32_t split;
    int64_t since; // of its deadline
    uint64_t offset, end, length, sent, due;
    uint32_t in_len, out_len, held_len; // of the bytes that follow, in this order
    struct sockaddr_in6 peer;
    struct endpoint listener;
};

// ---- sending -----------------------------------------------------------------------------------

// Whether a record can hold all that the connection is doing.
static bool is_movable(const struct conn *c)
{
    if (c->broken || c->pieces)
        return false;
    if (c->state == CONN_SEND)
        return c->resume == CONN_HEAD;
    return c->state == CONN_HEAD || c->state == CONN_IDLE;
}

// Where it came in; nothing when nobody listens there any more.
static struct endpoint address_of(const struct loop *l, const struct conn *c)
{
    return c->listener < l->service->listener_count ? l->service->addresses[c->listener]
                                                    : (struct endpoint){.len = 0};
}

static struct record record_of(const struct loop *l, const struct conn *c)
{
    return (struct record){
        .magic = MAGIC,
        .version = RECORD_VERSION,
        .size = sizeof(struct record),
        .state = c->state,
        .ending = c->ending,
        .eof = c->eof,
        .status = c->status,
        .requests = c->requests,
        .split = c->split,
        .since = c->deadline.since,
        .length = c->length,
        .sent = c->sent,
        .due = c->due,
        .peer = c->peer,
        .listener = address_of(l, c),
    };
}

struct message {
    struct record record;
    struct iovec parts[5];
    size_t count, len;
    int fds[FDPASS_MAX];
    size_t fd_count;
};

static uint32_t put(struct message *m, struct slice s)
{
    if (s.len)
        m->parts[m->count++] = (struct iovec){(void *)(uintptr_t)s.ptr, s.len};
    m->len += s.len;
    return (uint32_t)s.len;
}

static struct slice bytes_of(const struct block *b)
{
    return b ? block_slice(b) : (struct slice){NULL, 0};
}

// Content that is in memory goes as bytes, content in a file as the file.
static void put_content(struct message *m, const struct conn *c)
{
    m->record.out_len = put(m, bytes_of(c->out));
    if (c->file && c->file->body) {
        m->record.out_len += put(
            m, slice_make(c->file->body + c->offset, (size_t)(c->end - c->offset)));
    } else if (c->file) {
        m->record.has_file = true;
        m->record.offset = c->offset;
        m->record.end = c->end;
        m->fds[m->fd_count++] = c->file->fd;
    }
}

static int send_message(struct loop *l, const struct conn *c)
{
    struct message m = {.record = record_of(l, c), .fds = {c->source.fd}, .fd_count = 1};
    put(&m, slice_make((const char *)&m.record, sizeof(m.record)));
    m.record.in_len = put(&m, bytes_of(c->in));
    put_content(&m, c);
    m.record.held_len = put(&m, bytes_of(c->held));
    if (m.len > HANDOFF_MAX)
        return -EMSGSIZE;
    return fdpass_send_parts(l->service->handoff_out, m.parts, m.count, m.fds, m.fd_count);
}

enum handoff_sent handoff_send(struct loop *l, struct conn *c)
{
    if (!is_movable(c))
        return HANDOFF_STAYS;
    // First: whoever has the socket from now on must not wake this loop.
    conn_unwatch(l, c);
    int r = send_message(l, c);
    if (r == 0) {
        conn_release(l, c);
        return HANDOFF_SENT;
    }
    conn_watch(l, c);
    return r == -EAGAIN || r == -ETOOMANYREFS || r == -ENOBUFS || r == -ENOMEM ? HANDOFF_FULL
                                                                               : HANDOFF_STAYS;
}

// ---- receiving ---------------------------------------------------------------------------------

// Whether so many descriptors can be had as a connection may bring: what does not find room when it
// is received is lost.
static bool has_room(void)
{
    int fds[SPARE_FDS];
    int count = 0;
    while (count < SPARE_FDS && (fds[count] = loop_open_spare()) >= 0)
        count++;
    for (int i = 0; i < count; i++)
        close(fds[i]);
    return count == SPARE_FDS;
}

static bool is_file(int fd)
{
    struct file_identity id;
    return rootfs_fstat(fd, &id) == 0 && S_ISREG(id.mode);
}

static bool is_socket(int fd)
{
    struct file_identity id;
    return rootfs_fstat(fd, &id) == 0 && S_ISSOCK(id.mode);
}

// What came, apart.
struct taken {
    struct record record;
    struct slice in, out, held;
    int fd, file; // or -1
};

static struct slice cut(struct slice *rest, uint32_t len)
{
    struct slice s = slice_make(rest->ptr, len);
    *rest = slice_skip(*rest, len);
    return s;
}

static bool has_good_lengths(const struct record *r, size_t rest)
{
    return (uint64_t)r->in_len + r->out_len + r->held_len == rest && r->split <= r->held_len;
}

static bool has_good_state(const struct record *r)
{
    bool sends = r->state == CONN_SEND;
    return (sends || r->state == CONN_HEAD || r->state == CONN_IDLE) && r->ending <= CONN_LINGERS &&
           r->offset <= r->end && r->end - r->offset <= r->length &&
           (sends || (r->out_len == 0 && !r->has_file && r->held_len == 0));
}

// Takes a message apart. False: it is none that this version sends.
static bool read_message(struct slice bytes, const int *fds, size_t fd_count, struct taken *ret)
{
    struct taken t = {.file = -1};
    if (bytes.len < sizeof(t.record))
        return false;
    memcpy(&t.record, bytes.ptr, sizeof(t.record));
    const struct record *r = &t.record;
    struct slice rest = slice_skip(bytes, sizeof(*r));
    if (r->magic != MAGIC || r->version != RECORD_VERSION || r->size != sizeof(*r) ||
        !has_good_lengths(r, rest.len) || !has_good_state(r))
        return false;
    if (fd_count != (r->has_file ? 2u : 1u) || !is_socket(fds[0]) ||
        (r->has_file && !is_file(fds[1])))
        return false;
    t.in = cut(&rest, r->in_len);
    t.out = cut(&rest, r->out_len);
    t.held = cut(&rest, r->held_len);
    t.fd = fds[0];
    if (r->has_file)
        t.file = fds[1];
    *ret = t;
    return true;
}

// A block with these bytes in it and room for more; *ok turns false without memory. NULL for none.
static struct block *block_of(struct bufpool *pool, struct slice bytes, uint32_t cap, bool *ok)
{
    if (bytes.len == 0 || !*ok)
        return NULL;
    struct block *b = bufpool_get_sized(pool, MAX((uint32_t)bytes.len, cap));
    if (!b) {
        *ok = false;
        return NULL;
    }
    memcpy(b->data, bytes.ptr, bytes.len);
    b->end = (uint32_t)bytes.len;
    return b;
}

// The listener of this address. That nobody listens on it any more is said by a number that no
// listener has: to take another one's would show the client the sites that are bound to that.
static size_t listener_of(const struct loop *l, const struct endpoint *e)
{
    for (size_t i = 0; i < l->service->listener_count; i++)
        if (addr_equal(&l->service->addresses[i], e))
            return i;
    return l->service->listener_count;
}

// Fills a slot that is open already. False without memory.
static bool fill(struct loop *l, struct conn *c, const struct taken *t)
{
    const struct record *r = &t->record;
    bool ok = true;
    c->state = r->state;
    c->resume = CONN_HEAD;
    c->ending = r->ending;
    c->eof = r->eof;
    c->status = r->status;
    c->requests = r->requests;
    c->split = r->split;
    c->length = r->length;
    c->sent = r->sent;
    c->due = r->due;
    c->in = block_of(&l->pool, t->in, l->pool.big_cap, &ok);
    c->out = block_of(&l->pool, t->out, 0, &ok);
    c->held = block_of(&l->pool, t->held, 0, &ok);
    if (t->file >= 0) {
        c->offset = r->offset;
        c->end = r->end;
        c->file = filecache_adopt(t->file);
        ok = ok && c->file;
        if (!c->file)
            close(t->file);
    }
    return ok;
}

static enum handoff_taken adopt(struct loop *l, struct conn *c, const struct taken *t)
{
    conn_open(c, t->fd, &t->record.peer, listener_of(l, &t->record.listener));
    if (!fill(l, c, t) || !conn_resume(l, c, t->record.since)) {
        conn_close(l, c, CONN_CLOSE_MEMORY);
        return HANDOFF_LOST;
    }
    scoreboard_add(&l->slot->taken, 1);
    return HANDOFF_TAKEN;
}

enum handoff_taken handoff_take(struct loop *l, int socket)
{
    int fds[FDPASS_MAX];
    size_t fd_count;
    struct taken t;
    if (!l->handoff)
        l->handoff = malloc(HANDOFF_MAX);
    if (!l->handoff || !has_room())
        return HANDOFF_SHORTAGE;
    struct conn *c = loop_take_slot(l);
    if (!c)
        return HANDOFF_SHORTAGE;
    ssize_t n = fdpass_receive_many(socket, l->handoff, HANDOFF_MAX, fds, &fd_count);
    if (n > 0 && read_message(slice_make(l->handoff, (size_t)n), fds, fd_count, &t))
        return adopt(l, c, &t);
    loop_give_slot(l, c);
    if (n == -EAGAIN || n == 0)
        return HANDOFF_NONE;
    for (size_t i = 0; n > 0 && i < fd_count; i++)
        close(fds[i]);
    log_warn("a connection that was handed over cannot be read and is closed");
    return HANDOFF_LOST;
}
