#include "server/answer.h"

#include "http/response.h"
#include "http/status.h"
#include "server/output.h"
#include "server/route.h"
#include "sys/addr.h"
#include "base/util.h"

// Content up to this size is copied behind its head, so that pipelined answers leave together.
#define COPY_MAX (4u << 10)

#define ALLOW "GET, HEAD, OPTIONS"

// One answer in the making.
struct answer {
    struct loop *l;
    struct conn *c;
    const struct request *r;
    struct route *route;
    uint64_t total; // of a file of which the range that is asked for is not there
};

bool answer_is_served(enum method method)
{
    return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_OPTIONS;
}

// ---- the client --------------------------------------------------------------------------------

static struct endpoint client_of(const struct conn *c)
{
    struct endpoint e = {.len = sizeof(c->peer)};
    memcpy(&e.in6, &c->peer, sizeof(c->peer));
    if (e.sa.sa_family == AF_UNIX)
        e.len = sizeof(sa_family_t);
    return e;
}

static struct network client_network(const struct conn *c)
{
    struct endpoint e = client_of(c);
    if (e.sa.sa_family == AF_INET)
        return network_of_ipv4((const uint8_t *)&e.in.sin_addr);
    if (e.sa.sa_family == AF_INET6)
        return network_of_ipv6(e.in6.sin6_addr.s6_addr);
    return (struct network){.kind = NETWORK_UNIX};
}

// ---- the log -----------------------------------------------------------------------------------

static struct slice client_text(const struct conn *c, char text[static ADDR_TEXT_MAX])
{
    struct endpoint e = client_of(c);
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
    if (c->file)
        filecache_release(c->file);
    if (c->pieces)
        c->pieces->free(c->pieces);
    c->file = NULL;
    c->pieces = NULL;
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

// The field lines that the site wants, and what the answer depends on.
static void put_site_lines(struct buf *b, const struct answer *a, int status)
{
    static const struct slice names[] = {
#define X(id, name) {name, sizeof(name) - 1},
        ROUTE_VARY_TABLE(X)
#undef X
    };
    struct slice separator = SLICE("Vary: ");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!(a->route->vary & 1u << i))
            continue;
        buf_put(b, separator);
        buf_put(b, names[i]);
        separator = SLICE(", ");
    }
    if (a->route->vary)
        buf_put(b, SLICE("\r\n"));
    rules_put_headers(b, &a->route->ruling, status);
    if (a->route->ruling.cors)
        cors_put(b, a->route->ruling.cors, a->r);
}

// Puts head and content together. An answer that finds no room, for which the rules must add more
// than anybody can want, becomes one without extras.
static void put_answer(const struct answer *a, const struct response *response,
                       struct slice content)
{
    struct buf b = output_begin(a->l);
    response_begin(&b, response);
    put_site_lines(&b, a, response->status);
    response_end(&b);
    buf_put(&b, content);
    if (b.overflow) {
        struct response plain = {.status = 500,
                                 .date = response->date,
                                 .connection = response->connection,
                                 .has_length = true};
        b = output_begin(a->l);
        response_begin(&b, &plain);
        response_end(&b);
    }
    output_commit(a->l, &b);
}

// An answer whose content is the small page of its status, if it may have any.
static void put_page(const struct answer *a, struct response *response)
{
    char page_text[RESPONSE_PAGE_MAX];
    struct buf page = buf_make(page_text, sizeof(page_text));
    if (status_may_have_content(response->status)) {
        response_page(&page, response->status);
        response->type = SLICE(RESPONSE_PAGE_TYPE);
        response->has_length = true;
        response->content_length = page.len;
    }
    if (a->r->method == METHOD_HEAD)
        page.len = 0;
    put_answer(a, response, buf_slice(&page));
    log_answer(a->l, a->c, a->r, response->status, page.len);
}

// ---- files -------------------------------------------------------------------------------------

// The content behind a head: small and in memory, it is copied; else it stays with the connection.
static void put_file(const struct answer *a, const struct response *response,
                     struct cached_file *file, struct range range)
{
    struct slice none = {NULL, 0};
    uint64_t length = a->r->method == METHOD_HEAD ? 0 : range.length;
    if (length == 0 || (file->body && length <= COPY_MAX)) {
        put_answer(a, response,
                   length ? slice_make(file->body + range.offset, (size_t)length) : none);
        log_answer(a->l, a->c, a->r, response->status, length);
        filecache_release(file);
        return;
    }
    put_answer(a, response, none);
    a->c->file = file;
    a->c->offset = range.offset;
    a->c->end = range.offset + length;
    a->c->length = length;
    a->c->status = (uint16_t)response->status;
}

// The lines about the file, with the type that a rule gives it.
static void describe(const struct answer *a, const struct cached_file *file,
                     struct response *response)
{
    response->about = file->description.lines;
    if (a->route->ruling.type.len) {
        response->about.len = file->description.type_at;
        response->type = a->route->ruling.type;
    }
}

// ---- kinds of answers --------------------------------------------------------------------------

static struct route_query query_of(struct loop *l, const struct conn *c)
{
    return (struct route_query){
        .sites = l->service->sites,
        .cache = &l->cache,
        .listener = c->listener,
        .client = client_network(c),
        .moment = {l->round, l->clock.wall_s},
    };
}

// The site's page of an error: its status is the error's, and nothing else of it counts.
static void answer_error_page(const struct answer *a, struct response *response,
                              struct cached_file *page)
{
    struct slice lines = page->description.lines;
    response->about = slice_skip(lines, page->description.type_at);
    if (a->route->ruling.type.len) {
        response->about = (struct slice){NULL, 0};
        response->type = a->route->ruling.type;
    }
    response->has_length = true;
    response->content_length = page->about.size;
    put_file(a, response, page, (struct range){0, page->about.size});
}

static void answer_status(const struct answer *a, int status)
{
    const struct route_query query = query_of(a->l, a->c);
    struct response response = response_for(a->l, a->c, a->r, status);
    struct cached_file *page = route_error_page(&query, a->route, status);
    response.location = a->route->location;
    response.total = a->total;
    if (status == 405)
        response.allow = SLICE(ALLOW);
    if (status == 503)
        response.retry_after = 1;
    if (page)
        answer_error_page(a, &response, page);
    else
        put_page(a, &response);
}

static void answer_options(const struct answer *a)
{
    struct response response = response_for(a->l, a->c, a->r, 204);
    response.allow = SLICE(ALLOW);
    put_answer(a, &response, (struct slice){NULL, 0});
    log_answer(a->l, a->c, a->r, 204, 0);
}

// Whether an answer repeats no more of the description than a cache needs to recognise it: 304, and
// 206 to a client whose If-Range shows that it has the rest (RFC 9110 section 15.3.7).
static bool is_brief(const struct request *r, int status)
{
    return status == 304 || (status == 206 && r->first[FIELD_IF_RANGE].ptr);
}

static void answer_file(struct answer *a)
{
    struct cached_file *file = a->route->file;
    struct decision decision;
    decision_make(a->r, &file->about, a->l->clock.wall_s, &decision);
    if (decision.status == 412 || decision.status == 416) {
        a->total = file->about.size;
        filecache_release(file);
        answer_status(a, decision.status);
        return;
    }
    if (decision.range_count > 1) { // answered with the whole file
        decision.status = 200;
        decision.ranges[0] = (struct range){0, file->about.size};
    }
    struct response response = response_for(a->l, a->c, a->r, decision.status);
    describe(a, file, &response);
    response.range_offset = decision.ranges[0].offset;
    response.range_length = decision.ranges[0].length;
    response.total = file->about.size;
    response.has_length = decision.status != 304;
    response.content_length = decision.ranges[0].length;
    if (is_brief(a->r, decision.status)) {
        response.about.len = file->description.etag_len;
        response.type = (struct slice){NULL, 0};
    }
    put_file(a, &response, file, decision.ranges[0]);
}

static void answer_found(struct answer *a)
{
    const struct route_query query = query_of(a->l, a->c);
    route_resolve(&query, a->r, a->route);
    if (a->route->kind == ROUTE_FILE)
        answer_file(a);
    else
        answer_status(a, a->route->status);
}

void answer_request(struct loop *l, struct conn *c, const struct request *r)
{
    const struct route_query query = query_of(l, c);
    struct answer a = {l, c, r, &l->route, 0};
    route_start(&query, r, a.route);
    if (r->method == METHOD_OTHER)
        answer_status(&a, 501);
    else if (a.route->status && (r->method != METHOD_OPTIONS || a.route->status >= 400))
        answer_status(&a, a.route->status);
    else if (!answer_is_served(r->method))
        answer_status(&a, 405);
    else if (r->method == METHOD_OPTIONS)
        answer_options(&a);
    else
        answer_found(&a);
}

void answer_refuse(struct loop *l, struct conn *c, const struct request *r, int status)
{
    const struct answer a = {l, c, r, &l->route, 0};
    c->ending = CONN_LINGERS;
    route_none(a.route);
    answer_status(&a, status);
}

void answer_continue(struct loop *l)
{
    struct buf b = output_begin(l);
    buf_put(&b, status_line(100));
    buf_put(&b, SLICE("\r\n"));
    output_commit(l, &b);
}
