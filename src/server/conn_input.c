#include "server/conn_input.h"

#include "base/util.h"
#include "server/context.h"
#include "sys/transmit.h"

#include <assert.h>
#include <errno.h>

static void note_received(struct conn *c, ssize_t n)
{
    if (n == 0)
        c->eof = true;
    else if (n < 0 && n != -EAGAIN)
        c->broken = true;
}

static size_t feed(struct conn *c, struct slice data)
{
    size_t used = 0;
    enum reason reason = REASON_NONE;
    c->content = (uint8_t)body_feed(&c->body, data, &used, &reason);
    c->refused = (uint8_t)reason;
    return used;
}

// No more is read than surely belongs to the content, so the next request is never in here.
void conn_input_receive_content(struct context *ctx, struct conn *c)
{
    size_t want = (size_t)MIN(body_wanted(&c->body), (uint64_t)sizeof(ctx->output.gather));
    ssize_t n = transmit_receive(c->source.fd, ctx->output.gather, want);
    note_received(c, n);
    if (n > 0)
        feed(c, slice_make(ctx->output.gather, (size_t)n));
}

void conn_input_receive(struct context *ctx, struct conn *c)
{
    struct block *b = c->in ? c->in : bufpool_get(&ctx->pool);
    if (!b) {
        c->broken = true;
        return;
    }
    c->in = b;
    if (b->start > 0) {
        memmove(b->data, b->data + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
    }
    assert(b->end < b->cap); // conn_input_grow() saw to it
    ssize_t n = transmit_receive(c->source.fd, b->data + b->end, b->cap - b->end);
    note_received(c, n);
    if (n > 0)
        b->end += (uint32_t)n;
}

void conn_input_receive_rest(struct context *ctx, struct conn *c)
{
    void *unread = ctx->output.gather;
    note_received(c, transmit_receive(c->source.fd, unread, sizeof(ctx->output.gather)));
}

void conn_input_feed_content(struct conn *c, size_t head_len)
{
    struct slice rest = slice_skip(conn_input(c), head_len);
    if (rest.len == 0)
        return;
    size_t used = feed(c, rest);
    char *at = c->in->data + c->in->start + head_len;
    memmove(at, at + used, rest.len - used);
    c->in->end -= (uint32_t)used;
}

void conn_input_drop(struct context *ctx, struct conn *c)
{
    bufpool_put(&ctx->pool, c->in);
    c->in = NULL;
}

void conn_input_consume(struct context *ctx, struct conn *c, size_t n)
{
    c->in->start += (uint32_t)n;
    if (c->in->start == c->in->end)
        conn_input_drop(ctx, c);
}

bool conn_input_grow(struct context *ctx, struct conn *c)
{
    struct slice have = conn_input(c);
    if (c->in->end < c->in->cap)
        return true;
    if (c->in->start > 0)
        return true; // the next receive moves it to the front
    struct block *big = bufpool_get_big(&ctx->pool);
    if (!big)
        return false;
    memcpy(big->data, have.ptr, have.len);
    big->end = (uint32_t)have.len;
    conn_input_drop(ctx, c);
    c->in = big;
    return true;
}
