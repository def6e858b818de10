#include "server/reply.h"

#include "base/util.h"
#include "http/status.h"
#include "server/output.h"
#include "server/requestlog.h"

// Content up to this size is copied behind its head, so that pipelined answers leave together.
#define COPY_MAX (4u << 10)

static const struct slice none = {NULL, 0};

struct response reply_start(const struct reply *reply, int status)
{
    struct loop *l = reply->l;
    struct conn *c = reply->c;
    struct response response = {
        .status = status,
        .common = loop_common(l),
    };
    uint64_t most = l->service->conf->limits.requests;
    c->requests++;
    scoreboard_add(&l->slot->requests, 1);
    if (!reply->r->keep_alive && c->ending == CONN_STAYS)
        c->ending = CONN_CLOSES;
    if (c->ending == CONN_STAYS && (loop_is_ending(l) || (most && c->requests >= most)))
        c->ending = CONN_LINGERS;
    if (c->ending != CONN_STAYS)
        response.connection = CONNECTION_CLOSE;
    else if (reply->r->minor_version == 0)
        response.connection = CONNECTION_KEEP_ALIVE;
    return response;
}

// What the answer depends on.
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

// The field lines that the site wants, too.
static void put_site_lines(struct buf *b, const struct reply *reply, int status)
{
    if (reply->route->vary)
        put_vary(b, reply->route->vary);
    rules_put_headers(b, &reply->route->ruling, status);
    if (reply->route->ruling.cors)
        cors_put(b, reply->route->ruling.cors, reply->r);
}

static void commit(const struct reply *reply, const struct buf *b, int status)
{
    output_commit(reply->l, b);
    scoreboard_add_answer(reply->l->slot, status);
}

// An answer that finds no room, for which the rules must add more than anybody can want.
static void put_plain(const struct reply *reply, const struct response *response)
{
    const struct response plain = {.status = 500,
                                   .common = response->common,
                                   .connection = response->connection,
                                   .has_length = true};
    struct buf b = output_begin(reply->l);
    response_begin(&b, &plain);
    response_end(&b);
    commit(reply, &b, plain.status);
    requestlog_add(reply->l, reply->c, reply->r, plain.status, 0);
}

// False: there was no room, and the reply is another one.
static bool put(const struct reply *reply, const struct response *response, struct slice content)
{
    struct buf b = output_begin(reply->l);
    response_begin(&b, response);
    put_site_lines(&b, reply, response->status);
    response_end(&b);
    buf_put(&b, content);
    if (b.overflow) {
        put_plain(reply, response);
        return false;
    }
    commit(reply, &b, response->status);
    return true;
}

void reply_put(const struct reply *reply, const struct response *response, struct slice content)
{
    if (put(reply, response, content))
        requestlog_add(reply->l, reply->c, reply->r, response->status, content.len);
}

void reply_put_page(const struct reply *reply, struct response *response)
{
    char page_text[RESPONSE_PAGE_MAX];
    struct buf page = buf_make(page_text, sizeof(page_text));
    if (status_may_have_content(response->status)) {
        response_page(&page, response->status);
        response->type = SLICE(RESPONSE_PAGE_TYPE);
        response->has_length = true;
        response->content_length = page.len;
    }
    if (reply->r->method == METHOD_HEAD)
        page.len = 0;
    reply_put(reply, response, buf_slice(&page));
}

// The head of an answer whose content is left with the connection. False: no content is to follow.
static bool put_head(const struct reply *reply, const struct response *response)
{
    struct conn *c = reply->c;
    if (reply->r->method == METHOD_HEAD) {
        reply_put(reply, response, none);
        return false;
    }
    c->offset = c->end = c->length = c->loaded = 0;
    c->status = (uint16_t)response->status;
    return put(reply, response, none);
}

void reply_put_file(const struct reply *reply, const struct response *response,
                    struct cached_file *file, struct range range)
{
    struct conn *c = reply->c;
    bool is_empty = range.length == 0 || reply->r->method == METHOD_HEAD;
    if (is_empty || (file->body && range.length <= COPY_MAX)) {
        reply_put(reply, response,
                  is_empty ? none : slice_make(file->body + range.offset, (size_t)range.length));
        filecache_release(file);
    } else if (!put_head(reply, response)) {
        filecache_release(file);
    } else {
        c->file = file;
        c->offset = range.offset;
        c->end = range.offset + range.length;
        c->length = range.length;
    }
}

void reply_put_pieces(const struct reply *reply, const struct response *response,
                      struct cached_file *file, struct pieces *pieces)
{
    struct conn *c = reply->c;
    if (put_head(reply, response)) {
        c->file = file;
        c->pieces = pieces;
        return;
    }
    pieces->free(pieces);
    if (file)
        filecache_release(file);
}
