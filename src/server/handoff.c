#include "server/handoff.h"

#include "base/log.h"
#include "base/util.h"
#include "server/handoff_record.h"
#include "sys/fdpass.h"
#include "sys/listener.h"
#include "sys/transmit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
    pair[0] = fds[0];
    pair[1] = fds[1];
    return 0;
}

// ---- sending -----------------------------------------------------------------------------------

static int send_message(struct loop *l, const struct conn *c)
{
    struct handoff_parts p;
    handoff_record_make(c, &p);
    const struct slice slices[] = {
        slice_make((const char *)&p.record, sizeof(p.record)), p.in, p.out, p.content, p.held,
    };
    struct iovec parts[ARRAY_SIZE(slices)];
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
        // Nothing is written through an iovec that is only sent.
        parts[i] = (struct iovec){(void *)(uintptr_t)slices[i].ptr, slices[i].len};
        len += slices[i].len;
    }
    if (len > HANDOFF_MAX)
        return -EMSGSIZE;
    const int fds[] = {c->source.fd, p.record.has_file ? c->file->fd : -1};
    return fdpass_send_parts(l->service->handoff_out, parts, ARRAY_SIZE(parts), fds,
                             p.record.has_file ? 2 : 1);
}

enum handoff_sent handoff_send(struct loop *l, struct conn *c)
{
    if (!handoff_record_fits(c))
        return HANDOFF_STAYS;
    // First: whoever has the socket from now on must not wake this loop.
    conn_unwatch(l, c);
    int r = send_message(l, c);
    if (r == 0) {
        conn_release(l, c);
        return HANDOFF_SENT;
    }
    conn_watch(l, c);
    return r == -EMSGSIZE ? HANDOFF_STAYS : HANDOFF_FULL;
}

// ---- receiving ---------------------------------------------------------------------------------

// Whether so many descriptors can be had as a connection may bring, to each loop of the process,
// and one more: what does not find room when it is received is lost.
static bool has_room(const struct loop *l)
{
    int fds[FDPASS_MAX * LOOPS_MAX + 1];
    size_t wanted = FDPASS_MAX * MIN(l->service->conf->threads, LOOPS_MAX) + 1;
    size_t count = 0;
    while (count < wanted && (fds[count] = fcntl(l->control.fd, F_DUPFD_CLOEXEC, 0)) >= 0)
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
static size_t listener_of(const struct service *s, const struct endpoint *local)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (addr_equal(&s->addresses[i], local))
            return i;
    for (size_t i = 0; i < s->listener_count; i++)
        if (addr_accepts(&s->addresses[i], local))
            return i;
    return s->listener_count;
}

// A block with these bytes in it and room for one more at least, for a head is read on into it;
// *ok turns false without memory. NULL for none.
static struct block *block_of(struct bufpool *pool, struct slice bytes, bool *ok)
{
    if (bytes.len == 0 || !*ok)
        return NULL;
    // What was a large head before is one here, and goes on growing. Who sent it has counted it.
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
static bool fill_content(struct conn *c, const struct handoff_parts *p, int file)
{
    bool in_memory = p->content.len > 0;
    if (file < 0 && !in_memory)
        return true;
    c->file = in_memory ? filecache_adopt_content(p->content) : filecache_adopt(file);
    if (!c->file && file >= 0)
        close(file);
    c->offset = in_memory ? 0 : p->record.offset;
    c->end = in_memory ? p->content.len : p->record.end;
    return c->file;
}

// Fills a slot that is open already. False without memory.
static bool fill(struct loop *l, struct conn *c, const struct handoff_parts *p, int file)
{
    const struct handoff_record *r = &p->record;
    bool ok = fill_content(c, p, file);
    c->state = r->state;
    c->resume = CONN_HEAD;
    c->ending = r->ending;
    c->eof = r->eof;
    c->status = (uint16_t)r->status;
    c->requests = r->requests;
    c->split = r->split;
    c->length = r->length;
    c->sent = r->sent;
    c->due = r->due;
    c->in = block_of(&l->pool, p->in, &ok);
    c->out = block_of(&l->pool, p->out, &ok);
    c->held = block_of(&l->pool, p->held, &ok);
    return ok;
}

static enum handoff_taken adopt(struct loop *l, const struct handoff_parts *p, size_t listener,
                                const int *fds)
{
    struct conn *c = loop_take_slot(l);
    // Another loop's clock may be ahead; and nothing is younger than now.
    int64_t since = MAX(MIN(p->record.since, l->clock.now), 0);
    conn_open(c, fds[0], &p->record.peer, listener);
    scoreboard_add(&l->slot->taken, 1);
    if (!fill(l, c, p, p->record.has_file ? fds[1] : -1) || !conn_resume(l, c, since)) {
        conn_close(l, c, CONN_CLOSE_MEMORY);
        return HANDOFF_LOST;
    }
    if (loop_is_ending(l))
        conn_drain(l, c);
    return HANDOFF_TAKEN;
}

// Whether a message can be served: `bytes` with descriptors that are what they should be.
static bool check(struct slice bytes, const int *fds, size_t fd_count, struct handoff_parts *ret,
                  struct endpoint *ret_local)
{
    return handoff_record_parse(bytes, fd_count, ret) && transmit_is_stream(fds[0]) &&
           listener_address(fds[0], ret_local) == 0 &&
           ret_local->sa.sa_family == ret->record.peer.sin6_family &&
           (!ret->record.has_file || is_file(fds[1]));
}

enum handoff_taken handoff_take(struct loop *l, int socket)
{
    int fds[FDPASS_MAX];
    size_t fd_count = 0;
    struct handoff_parts parts;
    struct endpoint local;
    if (!poller_is_readable(socket))
        return HANDOFF_NONE;
    if (!l->handoff)
        l->handoff = malloc(HANDOFF_MAX);
    if (!l->handoff || !loop_has_slot(l) || !has_room(l))
        return HANDOFF_SHORTAGE;
    ssize_t n = fdpass_receive_many(socket, l->handoff, HANDOFF_MAX, fds, &fd_count);
    if (n == -EAGAIN) // another loop was quicker
        return HANDOFF_NONE;
    if (n >= 0 && check(slice_make(l->handoff, (size_t)n), fds, fd_count, &parts, &local))
        return adopt(l, &parts, listener_of(l->service, &local), fds);
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    log_warn("a connection that was handed over cannot be read and is closed");
    return HANDOFF_LOST;
}
