#include "server/output.h"

#include "base/util.h"
#include "server/conn_types.h"
#include "sys/clock.h"
#include "sys/pagecache.h"
#include "sys/transmit.h"

#include <errno.h>

// No answer is longer than this, without content that is kept by reference.
#define ANSWER_MAX (16u << 10)

// Content of a file up to this size is read, which is cheaper than to have it sent. (Of 16K reading
// costs the same when it is in the processor's caches, and more when it is not.)
#define READ_MAX (8u << 10)

struct buf output_begin(struct output *o)
{
    return buf_make(o->gather + o->gathered, sizeof(o->gather) - o->gathered);
}

void output_commit(struct output *o, const struct buf *b)
{
    o->gathered += b->len;
}

bool output_has_room(const struct output *o)
{
    return sizeof(o->gather) - o->gathered >= ANSWER_MAX;
}

static struct slice pending_head(const struct context *ctx, const struct conn *c)
{
    return c->out ? block_slice(c->out) : slice_make(ctx->output.gather, ctx->output.gathered);
}

// Puts what is left of the loop's buffer into a block of the connection's.
static bool put_aside(struct context *ctx, struct conn *c, struct slice rest)
{
    c->out = bufpool_get_sized(&ctx->pool, (uint32_t)rest.len);
    if (!c->out)
        return false;
    memcpy(c->out->data, rest.ptr, rest.len);
    c->out->end = (uint32_t)rest.len;
    return true;
}

// `n` bytes of the head are sent. False without memory for the rest.
static bool head_sent(struct context *ctx, struct conn *c, struct slice head, size_t n)
{
    bool kept = true;
    if (c->out) {
        c->out->start += (uint32_t)n;
        if (c->out->start == c->out->end) {
            bufpool_put(&ctx->pool, c->out);
            c->out = NULL;
        }
    } else if (n < head.len) {
        kept = put_aside(ctx, c, slice_skip(head, n));
    }
    ctx->output.gathered = 0;
    return kept;
}

static enum output_state failed(int error, enum conn_close *ret_reason)
{
    *ret_reason = error == -ENOMEM ? CONN_CLOSE_MEMORY : CONN_CLOSE_RESET;
    return OUTPUT_FAILED;
}

// `n` bytes left: counts them.
static void note_sent(struct context *ctx, struct conn *c, size_t n)
{
    c->sent += n;
    scoreboard_add(&ctx->slot->sent, n);
    ctx->output.budget -= MIN(n, ctx->output.budget);
}

// Head, and content that is in memory.
static enum output_state send_memory(struct context *ctx, struct conn *c,
                                     enum conn_close *ret_reason)
{
    struct slice head = pending_head(ctx, c);
    struct slice content = transfer_bytes(&c->transfer);
    bool more = transfer_left(&c->transfer) > content.len; // of the file, at once
    struct iovec parts[2];
    int count = 0;

    // Nothing is written through an iovec that is only sent.
    if (head.len)
        parts[count++] = (struct iovec){(void *)(uintptr_t)head.ptr, head.len};
    if (content.len)
        parts[count++] = (struct iovec){(void *)(uintptr_t)content.ptr, content.len};
    if (count == 0)
        return OUTPUT_DONE;
    ssize_t n = ctx->output.budget ? transmit_send(c->source.fd, parts, count, more) : 0;
    if (n == -EAGAIN)
        n = 0;
    if (n < 0)
        return failed((int)n, ret_reason);
    note_sent(ctx, c, (size_t)n);
    size_t of_head = MIN((size_t)n, head.len);
    if (head.len && !head_sent(ctx, c, head, of_head))
        return failed(-ENOMEM, ret_reason);
    if (content.len)
        transfer_advance(&c->transfer, (size_t)n - of_head);
    return (size_t)n == head.len + content.len ? OUTPUT_DONE : OUTPUT_WAIT;
}

// Short content of a file leaves together with its head, as if it were kept in memory.
static void gather_content(struct context *ctx, struct conn *c)
{
    struct transfer *t = &c->transfer;
    uint64_t left = transfer_left(t);
    size_t room = sizeof(ctx->output.gather) - ctx->output.gathered;
    if (left == 0 || left > MIN(room, READ_MAX))
        return;
    if (!transfer_is_in_file(t) || ctx->output.gathered == 0)
        return;
    char *end = ctx->output.gather + ctx->output.gathered;
    if (pagecache_read(t->file->fd, t->offset, end, (size_t)left) == (ssize_t)left) {
        ctx->output.gathered += (size_t)left;
        transfer_advance(t, (size_t)left);
    }
}

// Content that is read from a file.
static enum output_state send_file(struct context *ctx, struct conn *c, enum conn_close *ret_reason)
{
    struct transfer *t = &c->transfer;
    while (transfer_left(t) > 0) {
        if (ctx->output.budget == 0 || !transfer_load(t, &ctx->readahead, c))
            return OUTPUT_WAIT;
        size_t len = (size_t)MIN(t->loaded - t->offset, (uint64_t)ctx->output.budget);
        ssize_t n = transmit_file(c->source.fd, t->file->fd, t->offset, len);
        if (n == -EAGAIN)
            return OUTPUT_WAIT;
        if (n < 0)
            return failed((int)n, ret_reason);
        if (n == 0) {
            *ret_reason = CONN_CLOSE_CHANGED;
            return OUTPUT_FAILED;
        }
        note_sent(ctx, c, (size_t)n);
        transfer_advance(t, (size_t)n);
    }
    return OUTPUT_DONE;
}

// Content of a file far away, as far as it was read.
static enum output_state send_far(struct context *ctx, struct conn *c, enum conn_close *ret_reason)
{
    struct transfer *t = &c->transfer;
    while (transfer_left(t) > 0) {
        struct slice part;
        if (ctx->output.budget == 0)
            return OUTPUT_WAIT;
        int r = transfer_load_far(t, &ctx->readahead, c, &part);
        if (r == -EAGAIN)
            return OUTPUT_WAIT;
        if (r < 0) {
            *ret_reason = r == -ENOMEM ? CONN_CLOSE_MEMORY : CONN_CLOSE_CHANGED;
            return OUTPUT_FAILED;
        }
        struct iovec iov = {(void *)(uintptr_t)part.ptr, part.len};
        ssize_t n = transmit_send(c->source.fd, &iov, 1, transfer_left(t) > part.len);
        if (n == -EAGAIN)
            return OUTPUT_WAIT;
        if (n < 0)
            return failed((int)n, ret_reason);
        note_sent(ctx, c, (size_t)n);
        transfer_advance(t, (size_t)n);
    }
    return OUTPUT_DONE;
}

// All that the connection has to send now.
static enum output_state send_ready(struct context *ctx, struct conn *c,
                                    enum conn_close *ret_reason)
{
    gather_content(ctx, c);
    enum output_state state = send_memory(ctx, c, ret_reason);
    if (state == OUTPUT_DONE && transfer_is_in_file(&c->transfer))
        state = send_file(ctx, c, ret_reason);
    else if (state == OUTPUT_DONE && transfer_is_far(&c->transfer))
        state = send_far(ctx, c, ret_reason);
    ctx->output.gathered = 0; // sent, put aside, or of no use any more
    return state;
}

// Counts the time of this round from now on, if it does not yet.
static void enter_round(struct making *m, uint64_t round)
{
    if (m->round == round)
        return;
    *m = (struct making){.round = round,
                         .part_us = m->part_us,
                         .lap = (uint16_t)(m->lap + !m->refused),
                         .crowded = m->refused};
}

// Whether another part fits into this round, if it takes as long as the one before. One of them is
// made in any case.
static bool has_time(const struct making *m)
{
    return m->spent_us == 0 || m->spent_us + m->part_us <= OUTPUT_MAKING_US;
}

// Whether the source may make content in this round.
static bool has_turn(struct context *ctx, const struct conn *c)
{
    struct making *m = &ctx->making;
    enter_round(m, ctx->turns.round);
    if (m->crowded && c->lap == m->lap)
        return false;
    m->refused = m->refused || !has_time(m);
    return has_time(m);
}

// Makes the next part of the content, for all before it is sent.
static enum body_source_state next_content_part(struct context *ctx, struct transfer *t)
{
    int64_t began = clock_now_us();
    struct buf b = buf_make(ctx->output.gather, BODY_SOURCE_TEXT_MAX);
    enum body_source_state state = transfer_next(t, &b);
    ctx->output.gathered = b.len;
    ctx->making.part_us = clock_now_us() - began;
    ctx->making.spent_us += ctx->making.part_us;
    return state;
}

// Whether another part may follow in this turn.
static bool may_go_on(const struct context *ctx, enum body_source_state last)
{
    return last != BODY_SOURCE_YIELD && has_time(&ctx->making);
}

enum output_state output_flush(struct context *ctx, struct conn *c, enum conn_close *ret_reason)
{
    enum output_state state = send_ready(ctx, c, ret_reason);
    struct transfer *t = &c->transfer;
    bool may_make = true;
    if (state == OUTPUT_DONE && t->source && !t->source->ended) {
        may_make = has_turn(ctx, c);
        c->lap = may_make ? ctx->making.lap : c->lap;
    }
    while (state == OUTPUT_DONE && t->source && !t->source->ended) {
        if (!may_make)
            return OUTPUT_WAIT;
        enum body_source_state more = next_content_part(ctx, t);
        may_make = may_go_on(ctx, more);
        if (more == BODY_SOURCE_FAILED) {
            ctx->output.gathered = 0;
            *ret_reason = CONN_CLOSE_CHANGED;
            return OUTPUT_FAILED;
        }
        if (more == BODY_SOURCE_LOAD && !transfer_fetch(t, &ctx->readahead, c))
            return OUTPUT_WAIT;
        state = send_ready(ctx, c, ret_reason);
    }
    return state;
}
