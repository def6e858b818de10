#include "server/handoff.h"

#include "base/log.h"
#include "base/util.h"
#include "server/conn.h"
#include "server/conn_close.h"
#include "server/handoff_record.h"
#include "sys/fdpass.h"
#include "sys/listener.h"
#include "sys/transmit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// The most loops of a process that room is made for: all of them may be receiving.
#define LOOPS_MAX 64u

int handoff_pair(int pair[static 2])
{
    int fds[2];
    int r = fdpass_pair(fds);
    if (r < 0)
        return r;
    fdpass_enlarge(fds[1], HANDOFF_MAX);
    shutdown(fds[0], SHUT_WR); // of a pair that is connected, neither fails
    shutdown(fds[1], SHUT_RD);
    pair[0] = fds[0];
    pair[1] = fds[1];
    return 0;
}

// ---- sending -----------------------------------------------------------------------------------

static int send_message(struct context *ctx, const struct conn *c)
{
    struct handoff_record record;
    struct handoff_message m;
    handoff_record_make(c, &record);
    handoff_record_format(&record, &m);
    struct iovec parts[ARRAY_SIZE(m.parts)];
    size_t len = 0;
    for (size_t i = 0; i < m.count; i++) {
        // Nothing is written through an iovec that is only sent.
        parts[i] = (struct iovec){(void *)(uintptr_t)m.parts[i].ptr, m.parts[i].len};
        len += m.parts[i].len;
    }
    if (len > HANDOFF_MAX)
        return -EMSGSIZE;
    const int fds[] = {c->source.fd, record.has_file ? c->transfer.file->fd : -1};
    return fdpass_send_parts(atomic_load(ctx->shared->handoff_out), parts, m.count, fds,
                             record.has_file ? 2 : 1);
}

enum handoff_sent handoff_send(struct context *ctx, struct conn *c)
{
    if (!handoff_record_fits(c))
        return HANDOFF_STAYS;
    // First: whoever has the socket from now on must not wake this loop.
    conn_unwatch(ctx, c);
    int r = send_message(ctx, c);
    if (r == 0) {
        conn_close_handed(ctx, c);
        return HANDOFF_SENT;
    }
    conn_watch(ctx, c);
    return r == -EMSGSIZE ? HANDOFF_STAYS : HANDOFF_FULL;
}

// ---- receiving ---------------------------------------------------------------------------------

// Whether so many descriptors can be had as a connection may bring, to each loop of the process,
// and one more: what does not find room when it is received is lost.
static bool has_descriptor_room(const struct context *ctx, int socket)
{
    int fds[FDPASS_MAX * LOOPS_MAX + 1];
    size_t wanted = FDPASS_MAX * MIN(ctx->served->conf->threads, LOOPS_MAX) + 1;
    size_t count = 0;
    while (count < wanted && (fds[count] = fcntl(socket, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return count == wanted;
}

static bool is_file(int fd)
{
    struct file_identity id;
    return rootfs_fstat(fd, &id) == 0 && S_ISREG(id.mode);
}

// The listener on which a connection would have arrived here, an exact address before a wildcard.
// One that is gone has its place behind the others: no site is bound to it.
static size_t listener_of(const struct served *s, const struct endpoint *local)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (endpoint_equal(&s->addresses[i], local))
            return i;
    for (size_t i = 0; i < s->listener_count; i++)
        if (endpoint_accepts(&s->addresses[i], local))
            return i;
    return s->listener_count;
}

// A block with these bytes in it and room for one more at least, for a head is read on into it;
// *ok turns false without memory. NULL for none.
static struct block *block_of(struct bufpool *pool, struct slice bytes, bool *ok)
{
    if (bytes.len == 0 || !*ok)
        return NULL;
    // A large head stays one, and goes on growing. The sender has counted it.
    bool is_big = bytes.len >= BUFPOOL_SMALL;
    struct block *b = bufpool_get_sized(pool,
                                        MAX((uint32_t)bytes.len + 1, is_big ? pool->big_cap : 0));
    if (!b) {
        *ok = false;
        return NULL;
    }
    memcpy(b->data, bytes.ptr, bytes.len);
    b->end = (uint32_t)bytes.len;
    return b;
}

// The content as it was there: `file` or bytes. Takes the file over. False without memory.
static bool fill_content(struct conn *c, const struct handoff_record *r, int file)
{
    bool in_memory = r->content.len > 0;
    if (file < 0 && !in_memory)
        return true;
    struct range range = in_memory ? (struct range){0, r->content.len}
                                   : (struct range){r->offset, r->end - r->offset};
    struct cached_file *content = in_memory ? cached_file_adopt_content(r->content)
                                            : cached_file_adopt(file);
    if (!content && file >= 0)
        close(file);
    transfer_file(&c->transfer, content, range);
    c->status = (uint16_t)r->status;
    return content;
}

// Fills a slot that is open already. False without memory.
static bool fill_connection(struct context *ctx, struct conn *c, const struct handoff_record *r,
                            int file)
{
    bool ok = fill_content(c, r, file);
#define X(member, key, most, place) c->place = (__typeof__(c->place))r->member;
    HANDOFF_RECORD_COPIES(X)
#undef X
    if (!c->opened) // the sender does not say it
        c->opened = ctx->clock.now;
    c->state = (uint8_t)r->state;
    c->resume = CONN_HEAD;
    c->in = block_of(&ctx->pool, r->in, &ok);
    c->out = block_of(&ctx->pool, r->out, &ok);
    c->transfer.record = block_of(&ctx->pool, r->access, &ok);
    return ok;
}

// When the wait for the client began: another loop's clock may be ahead, but nothing is younger
// than now. If the sender does not say it, the wait begins anew.
static int64_t since_of_state(const struct handoff_record *r, int64_t now)
{
    return r->since ? MAX(MIN((int64_t)r->since, now), 0) : now;
}

static enum handoff_taken adopt_connection(struct context *ctx, const struct handoff_record *r,
                                           const struct endpoint *local, const int *fds)
{
    size_t listener = listener_of(ctx->served, local);
    struct conn *c = slots_take(&ctx->slots);
    const struct sockaddr_in6 peer = handoff_record_peer(r);
    int64_t since = since_of_state(r, ctx->clock.now);
    conn_open(c, fds[0], &peer, listener, ctx->clock.now);
    c->over_unix = local->sa.sa_family == AF_UNIX; // a proxy's client is elsewhere
    scoreboard_add(&ctx->slot->taken, 1);
    if (!fill_connection(ctx, c, r, r->has_file ? fds[1] : -1) || !conn_resume(ctx, c, since)) {
        conn_close(ctx, c, CONN_CLOSE_MEMORY);
        return HANDOFF_LOST;
    }
    if (context_is_ending(ctx))
        conn_drain(ctx, c);
    if ((c->state == CONN_HEAD || c->state == CONN_PROXY) &&
        c->in) // it may be complete, and then nothing else will come
        context_add_ready(ctx, c);
    return HANDOFF_TAKEN;
}

// Whether a message can be served: `bytes` with descriptors that are what they should be.
static bool check(struct slice bytes, const int *fds, size_t fd_count, struct handoff_record *ret,
                  struct endpoint *ret_local)
{
    return handoff_record_parse(bytes, fd_count, ret) && transmit_is_stream(fds[0]) &&
           listener_address(fds[0], ret_local) == 0 &&
           (ret->by_proxy || ret_local->sa.sa_family == handoff_record_peer(ret).sin6_family) &&
           (!ret->has_file || is_file(fds[1]));
}

enum handoff_taken handoff_take(struct context *ctx, int socket)
{
    int fds[FDPASS_MAX];
    size_t fd_count = 0;
    struct handoff_record record;
    struct endpoint local;
    if (!poller_is_readable(socket))
        return HANDOFF_NONE;
    if (!ctx->handoff_room)
        ctx->handoff_room = malloc(HANDOFF_MAX);
    if (!ctx->handoff_room || !slots_has_free(&ctx->slots) || !has_descriptor_room(ctx, socket))
        return HANDOFF_SHORTAGE;
    ssize_t n = fdpass_receive_many(socket, ctx->handoff_room, HANDOFF_MAX, fds, &fd_count);
    if (n == -EAGAIN) // another loop was quicker
        return HANDOFF_NONE;
    if (n == 0 && fd_count == 0)
        return HANDOFF_OVER;
    if (n >= 0 && check(slice_make(ctx->handoff_room, (size_t)n), fds, fd_count, &record, &local))
        return adopt_connection(ctx, &record, &local, fds);
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    log_warn("a connection that was handed over cannot be read and is closed");
    return HANDOFF_LOST;
}
