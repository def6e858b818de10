#include "server/respond.h"

#include "base/util.h"
#include "http/page.h"
#include "http/policy.h"
#include "http/statuses.h"
#include "server/conn_types.h"
#include "server/output.h"
#include "server/requestlog.h"

// Content up to this size is copied behind its head, so that pipelined answers leave together.
#define COPY_MAX (4u << 10)

static const struct slice none = {NULL, 0};

// Whether the connection has had as many requests, or lasted as long, as it may.
static bool is_used_up(const struct context *ctx, const struct conn *c)
{
    const struct conf_limits *l = &ctx->served->conf->limits;
    return (l->requests && c->requests >= l->requests) ||
           (l->connection_age && ctx->clock.now - c->opened >= (int64_t)l->connection_age);
}

struct response respond_start(const struct exchange *x, int status)
{
    struct context *ctx = x->ctx;
    struct conn *c = x->c;
    struct response response = {
        .status = status,
        .common = context_common(ctx),
    };
    c->requests++;
    scoreboard_add(&ctx->slot->requests, 1);
    if (!x->r->keep_alive && c->ending == CONN_STAYS)
        c->ending = CONN_CLOSES;
    if (c->ending == CONN_STAYS && (context_is_ending(ctx) || is_used_up(ctx, c)))
        c->ending = CONN_LINGERS;
    if (c->ending != CONN_STAYS)
        response.connection = CONNECTION_CLOSE;
    else if (x->r->minor_version == 0)
        response.connection = CONNECTION_KEEP_ALIVE;
    return response;
}

// Names the request fields that the answer depends on.
static void put_vary(struct buf *b, unsigned vary)
{
    static const struct slice names[] = {
#define X(id, name) {name, sizeof(name) - 1},
        ROUTE_VARY_TABLE(X)
#undef X
    };
    struct slice separator = SLICE("Vary: ");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!(vary & 1u << i))
            continue;
        buf_put(b, separator);
        buf_put(b, names[i]);
        separator = SLICE(", ");
    }
    buf_put(b, SLICE("\r\n"));
}

// The policy of a page that is made here. Browsers hold all policies that they get, and another one
// would take the page its style; but who may frame it is for the site to say.
static void put_policy(struct buf *b, const struct exchange *x, const struct response *response)
{
    struct slice frames = rules_directive(&x->route->ruling, SLICE("frame-ancestors"),
                                          response->status);
    buf_put(b, POLICY_FIELD);
    buf_put(b, SLICE(": "));
    buf_put(b, response->policy);
    if (frames.ptr) {
        buf_put(b, SLICE("; "));
        buf_put(b, frames);
    }
    buf_put(b, SLICE("\r\n"));
}

// The field lines that the site wants, too.
static void put_site_lines(struct buf *b, const struct exchange *x, const struct response *response)
{
    bool has_policy = response->policy.len > 0;
    x->route->has_policy = has_policy;
    if (x->route->vary)
        put_vary(b, x->route->vary);
    if (has_policy)
        put_policy(b, x, response);
    rules_put_headers(b, &x->route->ruling, response->status, has_policy ? POLICY_FIELD : none);
    const struct cors *cors = rules_cors(&x->route->ruling);
    if (cors)
        cors_put(b, cors, x->r);
}

static void commit(const struct exchange *x, const struct buf *b, int status)
{
    output_commit(&x->ctx->output, b);
    scoreboard_add_answer(x->ctx->slot, status);
}

// An answer that finds no room, for which the rules must add more than anybody can want.
static void put_plain(const struct exchange *x, const struct response *response)
{
    x->route->reason = REASON_HEAD_LONG;
    const struct response plain = {.status = reason_status(REASON_HEAD_LONG),
                                   .common = response->common,
                                   .connection = response->connection,
                                   .has_length = true};
    struct buf b = output_begin(&x->ctx->output);
    response_begin(&b, &plain);
    response_end(&b);
    commit(x, &b, plain.status);
    requestlog_add(x->ctx, x->c, x->r, plain.status, 0);
}

// False: there was no room, and the answer is another one.
static bool put_answer(const struct exchange *x, const struct response *response,
                       struct slice content)
{
    struct buf b = output_begin(&x->ctx->output);
    response_begin(&b, response);
    put_site_lines(&b, x, response);
    response_end(&b);
    buf_put(&b, content);
    if (b.overflow) {
        put_plain(x, response);
        return false;
    }
    commit(x, &b, response->status);
    return true;
}

void respond_with(const struct exchange *x, const struct response *response, struct slice content)
{
    if (put_answer(x, response, content))
        requestlog_add(x->ctx, x->c, x->r, response->status, content.len);
}

void respond_with_page(const struct exchange *x, struct response *response)
{
    struct slice page = none;
    if (statuses_may_have_content(response->status)) {
        page = page_of_status(response->status);
        response->type = SLICE(PAGE_TYPE);
        response->policy = SLICE(PAGE_POLICY);
        response->has_length = true;
        response->content_length = page.len;
    }
    respond_with(x, response, x->r->method == METHOD_HEAD ? none : page);
}

// The head of an answer whose content is left with the connection. False: no content is to follow.
static bool put_head(const struct exchange *x, const struct response *response)
{
    if (x->r->method == METHOD_HEAD) {
        respond_with(x, response, none);
        return false;
    }
    return put_answer(x, response, none);
}

void respond_with_file(const struct exchange *x, const struct response *response,
                       struct cached_file *file, struct range range)
{
    bool is_empty = range.length == 0 || x->r->method == METHOD_HEAD;
    if (is_empty || (file->body && range.length <= COPY_MAX)) {
        respond_with(x, response,
                     is_empty ? none : slice_make(file->body + range.offset, (size_t)range.length));
        cached_file_release(file);
    } else if (!put_head(x, response)) {
        cached_file_release(file);
    } else {
        transfer_file(&x->c->transfer, file, range);
        x->c->status = (uint16_t)response->status;
    }
}

void respond_with_source(const struct exchange *x, const struct response *response,
                         struct cached_file *file, struct body_source *source)
{
    if (put_head(x, response)) {
        transfer_generated(&x->c->transfer, file, source);
        x->c->status = (uint16_t)response->status;
        return;
    }
    source->free(source);
    if (file)
        cached_file_release(file);
}
