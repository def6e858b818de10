#include "server/answer.h"

#include "http/response.h"
#include "http/status.h"
#include "http/urlpath.h"
#include "server/output.h"
#include "server/resource.h"
#include "sys/addr.h"

#include <limits.h>

// Content up to this size is copied behind its head, so that pipelined answers leave together.
#define COPY_MAX (4u << 10)

#define ALLOW "GET, HEAD, OPTIONS"

// Room for every path that can be opened with each byte escaped, and for a redirect to it.
#define PATH_ROOM (3u * PATH_MAX)

bool answer_is_served(enum method method)
{
    return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_OPTIONS;
}

// ---- the log -----------------------------------------------------------------------------------

static struct slice client_text(const struct conn *c, char text[static ADDR_TEXT_MAX])
{
    struct endpoint e = {.len = sizeof(c->peer)};
    memcpy(&e.in6, &c->peer, sizeof(c->peer));
    if (e.sa.sa_family == AF_UNIX)
        e.len = sizeof(sa_family_t);
    return slice_of(addr_format_host(&e, text));
}

static struct access_record record_of(struct loop *l, const struct conn *c, const struct request *r,
                                      char text[static ADDR_TEXT_MAX])
{
    struct access_record record = {.client = client_text(c, text), .wall_s = l->clock.wall_s};
    if (r) {
        record.request = r->line;
        record.referer = r->first[FIELD_REFERER];
        record.agent = r->first[FIELD_USER_AGENT];
    }
    return record;
}

static void log_answer(struct loop *l, const struct conn *c, const struct request *r, int status,
                       uint64_t bytes)
{
    char text[ADDR_TEXT_MAX];
    if (l->log.fd < 0)
        return;
    struct access_record record = record_of(l, c, r, text);
    accesslog_add(&l->log, &record, status, bytes, l->clock.now);
}

void answer_hold(struct loop *l, struct conn *c, const struct request *r)
{
    char text[ADDR_TEXT_MAX];
    if (l->log.fd < 0)
        return;
    c->held = bufpool_get(&l->pool);
    if (!c->held) { // better a line without figures of what was sent than none
        log_answer(l, c, r, c->status, c->length);
        return;
    }
    struct access_record record = record_of(l, c, r, text);
    struct buf b = buf_make(c->held->data, c->held->cap);
    c->split = (uint32_t)accesslog_hold(&l->log, &record, &b);
    c->held->end = (uint32_t)b.len;
}

void answer_finish(struct loop *l, struct conn *c, const struct request *r)
{
    uint64_t sent = c->length - (c->end - c->offset);
    if (c->held)
        accesslog_add_held(&l->log, block_slice(c->held), c->split, c->status, sent, l->clock.now);
    else if (r)
        log_answer(l, c, r, c->status, sent);
    bufpool_put(&l->pool, c->held);
    c->held = NULL;
    filecache_release(&l->cache, c->file);
    c->file = NULL;
}

// ---- heads -------------------------------------------------------------------------------------

// What every head has. Decides also whether the connection persists.
static struct response response_for(struct loop *l, struct conn *c, const struct request *r,
                                    int status)
{
    struct response response = {
        .status = status,
        .date = loop_date(l),
        .server = l->service->conf->server_header ? SLICE("tined") : (struct slice){NULL, 0},
    };
    uint64_t most = l->service->conf->limits.requests;
    c->requests++;
    scoreboard_add(&l->slot->requests, 1);
    if (!r->keep_alive && c->ending == CONN_STAYS)
        c->ending = CONN_CLOSES;
    if (c->ending == CONN_STAYS && (l->phase != LOOP_SERVING || (most && c->requests >= most)))
        c->ending = CONN_LINGERS;
    if (c->ending != CONN_STAYS)
        response.connection = CONNECTION_CLOSE;
    else if (r->minor_version == 0)
        response.connection = CONNECTION_KEEP_ALIVE;
    return response;
}

// Puts head and content together. An answer that finds no room, which takes a redirect to an
// absurdly long query, becomes one without extras.
static void put_answer(struct loop *l, const struct response *response, struct slice content)
{
    struct buf b = output_begin(l);
    response_format(&b, response);
    buf_put(&b, content);
    if (b.overflow) {
        struct response plain = {.status = 414,
                                 .date = response->date,
                                 .connection = response->connection,
                                 .has_length = true};
        b = output_begin(l);
        response_format(&b, &plain);
    }
    output_commit(l, &b);
}

// An answer whose content is the small page of its status, if it may have any.
static void put_page(struct loop *l, struct conn *c, const struct request *r,
                     struct response *response)
{
    char page_text[RESPONSE_PAGE_MAX];
    struct buf page = buf_make(page_text, sizeof(page_text));
    if (status_may_have_content(response->status)) {
        response_page(&page, response->status);
        response->type = SLICE(RESPONSE_PAGE_TYPE);
        response->has_length = true;
        response->content_length = page.len;
    }
    if (r->method == METHOD_HEAD)
        page.len = 0;
    put_answer(l, response, buf_slice(&page));
    log_answer(l, c, r, response->status, page.len);
}

static void answer_status(struct loop *l, struct conn *c, const struct request *r, int status)
{
    struct response response = response_for(l, c, r, status);
    if (status == 405)
        response.allow = SLICE(ALLOW);
    if (status == 503)
        response.retry_after = 1;
    put_page(l, c, r, &response);
}

static void answer_options(struct loop *l, struct conn *c, const struct request *r)
{
    struct response response = response_for(l, c, r, 204);
    response.allow = SLICE(ALLOW);
    put_answer(l, &response, (struct slice){NULL, 0});
    log_answer(l, c, r, 204, 0);
}

static void answer_redirect(struct loop *l, struct conn *c, const struct request *r,
                            struct slice path)
{
    char location_text[PATH_ROOM];
    struct buf location = buf_make(location_text, sizeof(location_text));
    urlpath_slash_redirect(&location, path, r->query);
    if (location.overflow) {
        answer_status(l, c, r, 414);
        return;
    }
    struct response response = response_for(l, c, r, 301);
    response.location = buf_slice(&location);
    put_page(l, c, r, &response);
}

// ---- files -------------------------------------------------------------------------------------

// The content behind a head: small and in memory, it is copied; else it stays with the connection.
static void put_file(struct loop *l, struct conn *c, const struct request *r,
                     const struct response *response, const struct decision *decision,
                     struct cached_file *file)
{
    struct slice none = {NULL, 0};
    uint64_t length = r->method == METHOD_HEAD ? 0 : decision->length;
    if (length == 0 || (file->body && length <= COPY_MAX)) {
        put_answer(l, response,
                   length ? slice_make(file->body + decision->offset, (size_t)length) : none);
        log_answer(l, c, r, response->status, length);
        filecache_release(&l->cache, file);
        return;
    }
    put_answer(l, response, none);
    c->file = file;
    c->offset = decision->offset;
    c->end = decision->offset + length;
    c->length = length;
    c->status = (uint16_t)response->status;
}

static void answer_file(struct loop *l, struct conn *c, const struct request *r,
                        struct cached_file *file)
{
    struct decision decision;
    decision_make(r, &file->about, l->clock.wall_s, &decision);
    struct response response = response_for(l, c, r, decision.status);
    response.about = file->description.lines;
    response.range_offset = decision.offset;
    response.range_length = decision.length;
    response.total = file->about.size;

    if (decision.status == 304) {
        response.about.len = file->description.etag_len;
    } else if (decision.status == 412 || decision.status == 416) {
        response.about = (struct slice){NULL, 0};
        put_page(l, c, r, &response);
        filecache_release(&l->cache, file);
        return;
    } else {
        response.has_length = true;
        response.content_length = decision.length;
    }
    put_file(l, c, r, &response, &decision, file);
}

static void answer_path(struct loop *l, struct conn *c, const struct request *r)
{
    char decoded[PATH_ROOM];
    struct slice path;
    struct resource resource;
    struct resource_query query = {
        .cache = &l->cache,
        .site = sites_find(l->service->sites, r->host),
        .round = l->round,
        .wall_s = l->clock.wall_s,
    };
    int status = r->path.len <= sizeof(decoded) ? urlpath_decode(r->path, decoded, &path) : 414;
    if (status) {
        answer_status(l, c, r, status);
        return;
    }
    resource_find(&query, path, &resource);
    if (resource.kind == RESOURCE_FILE)
        answer_file(l, c, r, resource.file);
    else if (resource.kind == RESOURCE_REDIRECT)
        answer_redirect(l, c, r, path);
    else
        answer_status(l, c, r, resource.status);
}

void answer_request(struct loop *l, struct conn *c, const struct request *r)
{
    if (r->method == METHOD_OTHER)
        answer_status(l, c, r, 501);
    else if (!answer_is_served(r->method))
        answer_status(l, c, r, 405);
    else if (r->method == METHOD_OPTIONS)
        answer_options(l, c, r);
    else
        answer_path(l, c, r);
}

void answer_refuse(struct loop *l, struct conn *c, const struct request *r, int status)
{
    static const struct request unread = {.method = METHOD_OTHER, .keep_alive = true};
    c->ending = CONN_LINGERS;
    answer_status(l, c, r ? r : &unread, status);
}

void answer_continue(struct loop *l)
{
    struct buf b = output_begin(l);
    buf_put(&b, status_line(100));
    buf_put(&b, SLICE("\r\n"));
    output_commit(l, &b);
}
