#include "server/conn_step.h"

#include "base/log.h"
#include "server/asking.h"
#include "server/conn_close.h"
#include "server/conn_input.h"
#include "server/context.h"
#include "server/handler.h"
#include "server/intake.h"
#include "server/listings.h"
#include "server/output.h"
#include "server/requestlog.h"

#include <sys/socket.h>

// Where requests have waited in vain for a root, others need not: for so long.
#define ROOT_WAIT_AGAIN 10000 // ms

// A request of `len` bytes is answered; what follows is one of its own, with a deadline of its own.
static void finish_request(struct context *ctx, struct conn *c, size_t len)
{
    c->scan = (struct head_scan){0};
    ctx->is_late = false;
    deadline_set(&ctx->deadlines, &c->deadline, DEADLINE_NONE, ctx->clock.now);
    conn_input_consume(ctx, c, len);
}

// All that was to be sent is: the connection goes on, or ends.
static void sent(struct context *ctx, struct conn *c)
{
    if (c->ending == CONN_STAYS) {
        c->state = c->resume;
    } else if ((c->ending == CONN_LINGERS || c->in) && !c->eof) {
        // close() with bytes unread, or still to come, would reset the connection, and the client
        // could lose the answer before it reads it (RFC 9112 section 9.6).
        shutdown(c->source.fd, SHUT_WR);
        conn_input_drop(ctx, c);
        c->state = CONN_LINGER;
    } else {
        conn_close(ctx, c, CONN_CLOSE_DONE);
    }
}

// From here on, if the worker dies it may be for what this client has sent.
static void begin_work(struct context *ctx, const struct conn *c)
{
    ctx->client = (struct proxies_client){c->client, (enum scheme)c->scheme};
    inflight_begin(&ctx->notes->inflight, &ctx->client.address, conn_input(c), ctx->clock.now);
}

// The head in ctx->request is good: its fields say, perhaps, for whom a proxy asks.
static void find_client_of_request(struct context *ctx, const struct conn *c)
{
    if (ctx->served->proxies.trusted_count == 0)
        return;
    proxies_find_client(&ctx->served->proxies, &ctx->request, &ctx->client);
    inflight_begin(&ctx->notes->inflight, &ctx->client.address, conn_input(c), ctx->clock.now);
}

// Sends what was gathered. True when all is gone; else the connection waits, or is closed.
static bool flush(struct context *ctx, struct conn *c, const struct request *r)
{
    enum conn_close reason;
    enum output_state state = output_flush(ctx, c, &reason);
    if (state == OUTPUT_DONE) {
        if (transfer_is_active(&c->transfer)) {
            requestlog_finish(ctx, c, r);
            transfer_finish(&c->transfer, &ctx->pool);
        }
        return true;
    }
    if (transfer_is_active(&c->transfer) && r)
        requestlog_hold(ctx, c, r);
    if (state == OUTPUT_FAILED) {
        conn_close(ctx, c, reason);
        return false;
    }
    // Content may be awaited behind the answers that are stuck: it goes on where it was.
    if (c->state != CONN_SEND)
        c->resume = c->state == CONN_BODY ? CONN_BODY : CONN_HEAD;
    c->state = c->transfer.reading ? CONN_DISK : CONN_SEND;
    return false;
}

// Sends answers of which no content is left over.
static bool flush_gathered(struct context *ctx, struct conn *c)
{
    bool nothing = ctx->output.gathered == 0 && !c->out && !transfer_is_active(&c->transfer);
    return nothing || flush(ctx, c, NULL);
}

// False: the request in ctx->request has to wait.
static bool is_answered(struct context *ctx, struct conn *c)
{
    asking_begin(ctx, c);
    if (handler_answer(ctx, c, &ctx->request))
        return true;
    if (!c->listing || asking_must_wait(ctx))
        return false;
    listings_start(ctx);
    return c->listing->state == SNAPSHOT_READ && handler_answer(ctx, c, &ctx->request);
}

static void await_answer(struct context *ctx, struct conn *c)
{
    asking_wait(ctx, c);
    if (c->listing ||
        asking_waits(ctx, c)) { // its head is read once more, its content is thrown away already
        c->state = CONN_BODY;
        c->content = CONTENT_END;
    } else {
        asking_leave(ctx, c);
        c->state = CONN_ROOT;
        c->scan = (struct head_scan){0}; // it is read once more, here or elsewhere
    }
}

// The request in ctx->request, of `len` bytes, is answered. False when the turn ends with it.
static bool answer_request(struct context *ctx, struct conn *c, size_t len)
{
    if (!is_answered(ctx, c)) {
        await_answer(ctx, c);
        return false;
    }
    listings_leave(c);
    asking_leave(ctx, c);
    // The request's bytes must stay until the log has what it needs of them.
    bool sent_all = !transfer_is_active(&c->transfer) || flush(ctx, c, &ctx->request);
    if (c->state == CONN_FREE)
        return false;
    finish_request(ctx, c, len);
    return sent_all && c->ending == CONN_STAYS;
}

static void refuse_head(struct context *ctx, struct conn *c, enum reason reason)
{
    request_parse_start(conn_input(c), &ctx->request);
    handler_refuse(ctx, c, &ctx->request, reason);
}

// The content of a request goes before its answer: a client may read only when it has sent all.
// True: the content is complete.
static bool content_is_complete(struct context *ctx, struct conn *c, size_t head_len)
{
    if (c->state != CONN_BODY) {
        if (ctx->request.expect_continue && conn_input(c).len == head_len) {
            if (intake_declines_content(&ctx->request)) {
                c->ending = CONN_LINGERS;
                answer_request(ctx, c, head_len);
                return false;
            }
            handler_continue(ctx);
        }
        c->state = CONN_BODY;
        c->content = CONTENT_MORE;
    }
    if (c->content == CONTENT_MORE)
        conn_input_feed_content(c, head_len);
    if (c->content == CONTENT_BAD)
        handler_refuse(ctx, c, &ctx->request, c->refused);
    return c->content == CONTENT_END;
}

// A complete head of `len` bytes is there. True when the next request may follow in this turn.
static bool take_request(struct context *ctx, struct conn *c, size_t len)
{
    struct request *r = &ctx->request;
    struct slice head = slice_make(conn_input(c).ptr, len);
    enum reason reason = c->state == CONN_BODY
                             ? request_parse(head, r) // once more
                             : intake_parse(&ctx->served->conf->limits, head, r, &c->body);
    if (reason) {
        handler_refuse(ctx, c, r, reason);
        return false;
    }
    find_client_of_request(ctx, c);
    if (r->body != BODY_NONE && !content_is_complete(ctx, c, len))
        return false;
    c->state = CONN_HEAD;
    return answer_request(ctx, c, len);
}

static void skip_empty_lines(struct context *ctx, struct conn *c)
{
    size_t n = c->in && c->scan.pos == 0 ? head_skip_empty_lines(conn_input(c)) : 0;
    if (n)
        conn_input_consume(ctx, c, n);
}

// Looks for one request in the input. True when another may follow in this turn.
static bool next_request(struct context *ctx, struct conn *c)
{
    const struct conf_limits *limits = &ctx->served->conf->limits;
    enum reason reason = REASON_NONE;

    if (c->state == CONN_BODY) { // its head was read before its content
        begin_work(ctx, c);
        return take_request(ctx, c, c->scan.pos);
    }
    skip_empty_lines(ctx, c);
    if (conn_input(c).len == 0) {
        conn_input_drop(ctx, c);
        return false;
    }
    begin_work(ctx, c);
    switch (intake_scan(limits, &c->scan, conn_input(c), &reason)) {
    case HEAD_COMPLETE:
        return take_request(ctx, c, c->scan.pos);
    case HEAD_BAD:
        refuse_head(ctx, c, reason);
        return false;
    case HEAD_MORE:
        if (!conn_input_grow(ctx, c))
            refuse_head(ctx, c, REASON_REQUEST_NO_ROOM);
        return false;
    }
    return false;
}

// The state of a connection that has nothing left to answer.
static enum conn_state waiting_state(const struct context *ctx, const struct conn *c)
{
    if (c->in)
        return CONN_HEAD;
    if (context_is_ending(ctx))
        return CONN_LAST;
    return c->requests ? CONN_IDLE : CONN_HEAD;
}

// Whether it has to wait before the next request can be answered, or is gone.
static bool is_held_up(const struct conn *c)
{
    return c->state == CONN_FREE || c->state == CONN_SEND || c->state == CONN_DISK;
}

void conn_step_requests(struct context *ctx, struct conn *c)
{
    bool more = true;
    if (c->state == CONN_ROOT)
        c->state = CONN_HEAD;
    if (c->state == CONN_LISTING || c->state == CONN_ASKED)
        c->state = CONN_BODY;
    while (more && !is_held_up(c)) {
        more = next_request(ctx, c);
        if (more && !output_has_room(&ctx->output))
            more = flush_gathered(ctx, c);
    }
    // One that waits for a root does so behind answers that can be sent.
    if (is_held_up(c) || !flush_gathered(ctx, c) || c->state == CONN_ROOT)
        return;
    if (asking_waits(ctx, c))
        c->state = CONN_ASKED;
    else if (c->listing)
        c->state = CONN_LISTING;
    else if (c->ending != CONN_STAYS)
        sent(ctx, c);
    else if (c->eof)
        conn_close(ctx, c, CONN_CLOSE_EOF);
    else if (c->state != CONN_BODY)
        c->state = waiting_state(ctx, c);
}

void conn_step_content(struct context *ctx, struct conn *c)
{
    if (c->content == CONTENT_MORE && c->eof)
        conn_close(ctx, c, CONN_CLOSE_EOF);
    else if (c->content != CONTENT_MORE)
        conn_step_requests(ctx, c);
}

void conn_step_send(struct context *ctx, struct conn *c)
{
    if (!flush(ctx, c, NULL))
        return;
    sent(ctx, c);
    // No event will come for requests that are in the input already.
    if (c->state == CONN_HEAD || (c->state == CONN_BODY && (c->listing || c->asking)))
        conn_step_requests(ctx, c);
}

void conn_step_linger(struct context *ctx, struct conn *c)
{
    if (c->eof)
        conn_close(ctx, c, CONN_CLOSE_DONE);
}

void conn_step_stale(struct context *ctx, struct conn *c)
{
    log_warn("a root was swapped, and no new generation has come for it in time: what it led to "
             "before is served on");
    ctx->root_wait_at = ctx->clock.now + ROOT_WAIT_AGAIN;
    conn_step_requests(ctx, c);
}

void conn_step_silent(struct context *ctx, struct conn *c)
{
    ctx->is_late = true;
    conn_step_requests(ctx, c);
    ctx->is_late = false;
}

void conn_step_unfinished(struct context *ctx, struct conn *c)
{
    if (!c->in) { // no request has begun: nobody waits for an answer
        conn_close(ctx, c, CONN_CLOSE_TIMEOUT);
        return;
    }
    begin_work(ctx, c);
    refuse_head(ctx, c, REASON_REQUEST_UNFINISHED);
    if (flush_gathered(ctx, c))
        sent(ctx, c);
}
