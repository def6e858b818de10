#include "server/answer.h"

#include "http/accept.h"
#include "http/precond.h"
#include "http/status.h"
#include "server/byteranges.h"
#include "server/listpieces.h"
#include "server/output.h"
#include "server/reply.h"
#include "server/requestlog.h"
#include "server/resource.h"

#define ALLOW "GET, HEAD, OPTIONS"

static const struct slice none = {NULL, 0};

bool answer_is_served(enum method method)
{
    return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_OPTIONS;
}

// ---- what is asked, by whom --------------------------------------------------------------------

static struct route_query query_of(const struct reply *a)
{
    return (struct route_query){
        .sites = a->l->service->sites,
        .cache = &a->l->cache,
        .listener = a->c->listener,
        .client = conn_network(a->c),
        .moment = {a->l->group, a->l->clock.wall_s},
    };
}

// ---- errors and redirects ----------------------------------------------------------------------

// The lines about a file, with the type that a rule may give it.
static void describe(const struct reply *a, const struct cached_file *file,
                     struct response *response)
{
    response->about = slice_make(file->description.lines.ptr, file->description.length_at);
    if (a->route->ruling.type.len) {
        response->about.len = file->description.type_at;
        response->type = a->route->ruling.type;
    }
}

// The same of a file that is sent whole.
static void describe_whole(const struct reply *a, const struct cached_file *file,
                           struct response *response)
{
    describe(a, file, response);
    response->has_length = response->type.len > 0;
    response->content_length = file->about.size;
    if (!response->has_length)
        response->about = file->description.lines;
}

// The site's page of an error: nothing of it counts but its type and content.
static void put_error_page(const struct reply *a, struct response *response,
                           struct cached_file *page)
{
    describe_whole(a, page, response);
    response->about = slice_skip(response->about, page->description.type_at);
    reply_put_file(a, response, page, (struct range){0, page->about.size});
}

// `total` is the size of the file with 416, else of no matter.
static void answer_error(const struct reply *a, int status, uint64_t total)
{
    const struct route_query query = query_of(a);
    struct response response = reply_start(a, status);
    struct cached_file *page = route_error_page(&query, a->route, status);
    response.location = a->route->location;
    response.total = total;
    if (status == 405)
        response.allow = SLICE(ALLOW);
    if (status == 503)
        response.retry_after = 1;
    if (page)
        put_error_page(a, &response, page);
    else
        reply_put_page(a, &response);
}

static void answer_status(const struct reply *a, int status)
{
    answer_error(a, status, 0);
}

static void answer_options(const struct reply *a)
{
    struct response response = reply_start(a, 204);
    response.allow = SLICE(ALLOW);
    reply_put(a, &response, none);
}

// ---- files -------------------------------------------------------------------------------------

// Whether an answer repeats no more of the description than a cache needs to recognise it: 304, and
// 206 to a client whose If-Range shows that it has the rest (RFC 9110 section 15.3.7).
static bool is_brief(const struct request *r, int status)
{
    return status == 304 || (status == 206 && r->first[FIELD_IF_RANGE].ptr);
}

// The value of the type's line.
static struct slice type_of(const struct reply *a, const struct cached_file *file)
{
    const struct description *d = &file->description;
    struct slice line = slice_make(d->lines.ptr + d->type_at, d->length_at - d->type_at);
    if (a->route->ruling.type.len)
        return a->route->ruling.type;
    slice_split(&line, ' ');
    return line.ptr ? slice_make(line.ptr, line.len - strlen("\r\n")) : none;
}

// The digest of the file, when it is known and asked for.
static struct slice digest_of(const struct reply *a, const struct cached_file *file, struct buf *b)
{
    if (file->digest.known && digest_is_wanted(a->r))
        digest_field(b, file->digest.bytes);
    return buf_slice(b);
}

static void answer_ranges(const struct reply *a, struct cached_file *file,
                          const struct decision *decision)
{
    const struct range *ranges = decision->ranges;
    struct multipart multipart;
    char type_text[MULTIPART_TEXT_MAX], digest_text[DIGEST_FIELD_MAX];
    struct buf type = buf_make(type_text, sizeof(type_text));
    struct buf digest = buf_make(digest_text, sizeof(digest_text));
    multipart_init(&multipart, file->about.etag, type_of(a, file), file->about.size, ranges,
                   decision->range_count);
    struct pieces *pieces = byteranges_new(&multipart, decision);
    if (!pieces) {
        filecache_release(file);
        answer_status(a, 503);
        return;
    }
    struct response response = reply_start(a, 206);
    multipart_type(&type, &multipart);
    response.about = slice_make(file->description.lines.ptr, is_brief(a->r, 206)
                                                                 ? file->description.etag_len
                                                                 : file->description.type_at);
    response.type = buf_slice(&type);
    response.digest = digest_of(a, file, &digest);
    response.has_length = true;
    response.content_length = multipart_length(&multipart, ranges, decision->range_count);
    reply_put_pieces(a, &response, file, pieces);
}

static void answer_file(const struct reply *a)
{
    struct cached_file *file = a->route->file;
    struct decision decision;
    decision_make(a->r, &file->about, a->l->clock.wall_s, &decision);
    if (decision.status == 412 || decision.status == 416) {
        uint64_t size = file->about.size;
        filecache_release(file);
        answer_error(a, decision.status, size);
        return;
    }
    if (decision.range_count > 1) {
        answer_ranges(a, file, &decision);
        return;
    }
    const struct range range = decision.ranges[0];
    char digest_text[DIGEST_FIELD_MAX];
    struct buf digest = buf_make(digest_text, sizeof(digest_text));
    struct response response = reply_start(a, decision.status);
    if (is_brief(a->r, decision.status))
        response.about = slice_make(file->description.lines.ptr, file->description.etag_len);
    else if (decision.status == 200)
        describe_whole(a, file, &response);
    else
        describe(a, file, &response);
    if (decision.status == 206) {
        response.range_offset = range.offset;
        response.range_length = range.length;
        response.total = file->about.size;
        response.has_length = true;
        response.content_length = range.length;
    }
    response.digest = digest_of(a, file, &digest);
    reply_put_file(a, &response, file, range);
}

// ---- listings ----------------------------------------------------------------------------------

// What a program asks for: on a tie that names JSON, which browsers do not.
static bool prefers_json(const struct request *r)
{
    struct slice json = SLICE("application/json"), html = SLICE("text/html");
    unsigned x = accept_quality(r, json), y = accept_quality(r, html);
    return x > y || (x == y && accept_names(r, json) && !accept_names(r, html));
}

static struct listing_view view_of(const struct reply *a)
{
    struct listing_view view = {.path = slice_skip(a->route->path, 1)};
    if (prefers_json(a->r))
        view.format = LISTING_JSON;
    listing_view_parse(a->r->query, &view);
    return view;
}

static void answer_directory(const struct reply *a)
{
    static const struct representation unknown = {.mtime = -1};
    const struct listpieces_options options = {
        .route = a->route,
        .view = view_of(a),
        .client = conn_network(a->c),
        .limit = (uint32_t)a->l->service->conf->limits.listing,
        .under_way = &a->l->listings,
        .most = a->l->listing_limit,
        .chunked = a->r->minor_version >= 1,
    };
    struct pieces *pieces;
    a->route->vary |= ROUTE_VARY_ACCEPT;
    int status = precond_check(a->r, &unknown, a->l->clock.wall_s);
    int error = status ? 0 : listpieces_new(&options, &pieces);
    if (status || error < 0) {
        answer_status(a, status ? status : resource_status(error));
        return;
    }
    if (!options.chunked && a->c->ending == CONN_STAYS)
        a->c->ending = CONN_CLOSES; // that ends the content
    struct response response = reply_start(a, 200);
    if (options.view.format == LISTING_HTML)
        response.about = SLICE("Content-Security-Policy: " LISTING_POLICY "\r\n");
    response.type = listing_type(options.view.format);
    response.chunked = options.chunked;
    reply_put_pieces(a, &response, NULL, pieces);
}

// ---- the server itself -------------------------------------------------------------------------

// /healthz: this loop works. /readyz: and it wants more.
static void answer_admin(const struct reply *a)
{
    bool ready = !loop_is_ending(a->l) && !atomic_load(a->l->service->draining);
    bool is_health = slice_equal(a->r->path, SLICE("/healthz"));
    struct slice text = is_health ? SLICE("alive\n")
                        : ready   ? SLICE("ready\n")
                                  : SLICE("draining\n");
    if (!is_health && !slice_equal(a->r->path, SLICE("/readyz"))) {
        answer_status(a, 404);
        return;
    }
    struct response response = reply_start(a, is_health || ready ? 200 : 503);
    response.about = SLICE("Cache-Control: no-store\r\n");
    response.type = SLICE("text/plain; charset=utf-8");
    response.has_length = true;
    response.content_length = text.len;
    reply_put(a, &response, a->r->method == METHOD_HEAD ? none : text);
}

// ---- requests ----------------------------------------------------------------------------------

static void answer_found(const struct reply *a, const struct route_query *query)
{
    route_resolve(query, a->r, a->route);
    if (a->route->kind == ROUTE_FILE)
        answer_file(a);
    else if (a->route->kind == ROUTE_DIRECTORY)
        answer_directory(a);
    else
        answer_status(a, a->route->status);
}

void answer_request(struct loop *l, struct conn *c, const struct request *r)
{
    const struct reply a = {l, c, r, &l->route};
    const struct route_query query = query_of(&a);
    // Those listeners come last; of one that is gone the number is beyond all.
    bool is_admin = c->listener >= l->service->admin && c->listener < l->service->listener_count;
    if (is_admin)
        route_none(a.route);
    else
        route_start(&query, r, a.route);
    if (r->method == METHOD_OTHER)
        answer_status(&a, 501);
    else if (a.route->status && (r->method != METHOD_OPTIONS || a.route->status >= 400))
        answer_status(&a, a.route->status);
    else if (!answer_is_served(r->method))
        answer_status(&a, 405);
    else if (r->method == METHOD_OPTIONS)
        answer_options(&a);
    else if (is_admin)
        answer_admin(&a);
    else
        answer_found(&a, &query);
}

void answer_refuse(struct loop *l, struct conn *c, const struct request *r, int status)
{
    const struct reply a = {l, c, r, &l->route};
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
    scoreboard_add_answer(l->slot, 100);
}

void answer_finish(struct loop *l, struct conn *c, const struct request *r)
{
    requestlog_finish(l, c, r);
    answer_give_up(l, c);
}

void answer_give_up(struct loop *l, struct conn *c)
{
    bufpool_put(&l->pool, c->held);
    c->held = NULL;
    if (c->file)
        filecache_release(c->file);
    if (c->pieces)
        c->pieces->free(c->pieces);
    c->file = NULL;
    c->pieces = NULL;
}
