#include "server/handler.h"

#include "base/endpoint.h"
#include "content/listing_body.h"
#include "content/ranges_body.h"
#include "content/readme.h"
#include "content/resource.h"
#include "http/accept.h"
#include "http/precond.h"
#include "http/statuses.h"
#include "server/asking.h"
#include "server/conn_types.h"
#include "server/listings.h"
#include "server/output.h"
#include "server/respond.h"

#define ALLOW "GET, HEAD, OPTIONS"

// When to try a site again whose file system does not answer.
#define RETRY_SILENT 5 // s

static const struct slice none = {NULL, 0};

bool handler_is_served(enum method method)
{
    return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_OPTIONS;
}

// ---- what is asked, by whom --------------------------------------------------------------------

static struct exchange exchange_of(struct context *ctx, struct conn *c, const struct request *r)
{
    return (struct exchange){
        .ctx = ctx,
        .c = c,
        .r = r,
        .route = &ctx->route,
        .query =
            {
                .sites = &ctx->served->sites,
                .cache = &ctx->cache,
                .listener = c->listener,
                .client = endpoint_network(&ctx->client.address),
                .scheme = ctx->client.scheme,
                .moment = {ctx->turns.group, ctx->clock.wall_s},
                .matched = ctx->matched,
            },
    };
}

// ---- errors and redirects ----------------------------------------------------------------------

// The lines about a file, with the type that a rule may give it.
static void set_file_lines(const struct exchange *x, const struct cached_file *file,
                           struct response *response)
{
    response->about = slice_make(file->description.lines.ptr, file->description.length_at);
    if (x->route->ruling.type) {
        response->about.len = file->description.type_at;
        response->type = rules_type(&x->route->ruling);
    }
}

// The same of a file that is sent whole.
static void describe_whole(const struct exchange *x, const struct cached_file *file,
                           struct response *response)
{
    set_file_lines(x, file, response);
    response->has_length = response->type.len > 0;
    response->content_length = file->about.size;
    if (!response->has_length)
        response->about = file->description.lines;
}

// The site's page of an error: nothing of it counts but its coding, type and content.
static void put_error_page(const struct exchange *x, struct response *response,
                           struct cached_file *page)
{
    describe_whole(x, page, response);
    response->about = slice_skip(response->about, page->description.coding_at);
    respond_with_file(x, response, page, (struct range){0, page->about.size});
}

// As a rule says that answers with 503; or soon, when something is short, and a little later when a
// file system does not answer.
static uint32_t retry_after_of(const struct route *route)
{
    if (route->reason == REASON_RULE_STATUS)
        return route->ruling.final.rule->retry_after;
    return route->reason == REASON_ROOT_SILENT || route->reason == REASON_ROOT_BUSY ? RETRY_SILENT
                                                                                    : 1;
}

// `total` is the size of the file with 416, else of no matter. Where the site's page is being asked
// for there is no answer yet.
static void answer_error(const struct exchange *x, int status, uint64_t total)
{
    struct cached_file *page = route_error_page(&x->query, x->route, status);
    if (asking_must_wait(x->ctx)) {
        if (page)
            cached_file_release(page);
        return;
    }
    struct response response = respond_start(x, status);
    response.location = x->route->location;
    if (x->route->slash && !rules_say_header(&x->route->ruling, SLICE("Cache-Control"), status))
        response.about = SLICE("Cache-Control: no-cache\r\n"); // a page may become a directory
    response.total = total;
    if (status == 405)
        response.allow = SLICE(ALLOW);
    if (status == 503)
        response.retry_after = retry_after_of(x->route);
    if (page)
        put_error_page(x, &response, page);
    else
        respond_with_page(x, &response);
}

static void answer_status(const struct exchange *x, int status)
{
    answer_error(x, status, 0);
}

static void refuse_exchange(const struct exchange *x, enum reason reason)
{
    x->route->reason = reason;
    answer_status(x, reason_status(reason));
}

static void answer_options(const struct exchange *x)
{
    struct response response = respond_start(x, 204);
    response.allow = SLICE(ALLOW);
    respond_with(x, &response, none);
}

// ---- files -------------------------------------------------------------------------------------

// Whether the client's If-Range shows that it has the rest of the description (RFC 9110 section
// 15.3.7).
static bool knows_file(const struct request *r)
{
    return r->first[FIELD_IF_RANGE].ptr;
}

// Both validators go with a 206 also to If-Range: caches store its head in place of the one that
// they have, and date the file by it.
static void set_partial_lines(const struct exchange *x, const struct cached_file *file,
                              struct range range, struct response *response)
{
    response->range_offset = range.offset;
    response->range_length = range.length;
    response->total = file->about.size;
    response->has_length = true;
    response->content_length = range.length;
    if (knows_file(x->r))
        response->about = slice_make(file->description.lines.ptr, file->description.validators_len);
    else
        set_file_lines(x, file, response);
}

// The value of the type's line.
static struct slice media_type_of(const struct exchange *x, const struct cached_file *file)
{
    const struct description *d = &file->description;
    struct slice line = slice_make(d->lines.ptr + d->type_at, d->length_at - d->type_at);
    if (x->route->ruling.type)
        return rules_type(&x->route->ruling);
    slice_split(&line, ' ');
    return line.ptr ? slice_make(line.ptr, line.len - strlen("\r\n")) : none;
}

// The digest of the file, when it is known and asked for.
static struct slice digest_of(const struct exchange *x, const struct cached_file *file,
                              struct buf *b)
{
    if (file->digest.known && digest_is_wanted(x->r))
        digest_field(b, file->digest.bytes);
    return buf_slice(b);
}

// Several ranges, and how they are said.
struct parts {
    const struct decision *decision;
    struct multipart multipart;
    uint64_t length; // of the content
};

// Has the whole file sent instead, where that is not longer: types may be of any length.
static void plan_parts(const struct exchange *x, const struct cached_file *file,
                       struct decision *decision, struct parts *ret)
{
    const struct multipart_file of = {file->about.etag, media_type_of(x, file), file->about.size};
    multipart_init(&ret->multipart, &of, decision->ranges, decision->range_count);
    ret->length = multipart_length(&ret->multipart, decision->ranges, decision->range_count);
    if (ret->length >= file->about.size)
        decision_send_whole(decision, file->about.size);
}

static void answer_ranges(const struct exchange *x, struct cached_file *file,
                          const struct parts *parts)
{
    char type_text[MULTIPART_TEXT_MAX], digest_text[DIGEST_FIELD_MAX];
    struct buf type = buf_make(type_text, sizeof(type_text));
    struct buf digest = buf_make(digest_text, sizeof(digest_text));
    struct body_source *source = ranges_body_new(&parts->multipart, parts->decision);
    if (!source) {
        cached_file_release(file);
        refuse_exchange(x, REASON_SHORTAGE);
        return;
    }
    struct response response = respond_start(x, 206);
    multipart_type(&type, &parts->multipart);
    response.about = slice_make(file->description.lines.ptr, knows_file(x->r)
                                                                 ? file->description.validators_len
                                                                 : file->description.type_at);
    response.type = buf_slice(&type);
    response.digest = digest_of(x, file, &digest);
    response.has_length = true;
    response.content_length = parts->length;
    respond_with_source(x, &response, file, source);
}

// Leaves Last-Modified out of the lines, which `text` has room for: to a client whose copy has a
// later date (libcurl's condition, pacman) it says that the file is the older one, and the copy
// would stay for ever. A date that misleads is worse than none (RFC 9110 section 8.8.2).
static void leave_date_out(const struct cached_file *file, char text[static DESCRIPTION_MAX],
                           struct response *response)
{
    const struct description *d = &file->description;
    struct buf b = buf_make(text, DESCRIPTION_MAX);
    if (file->about.etag.len)
        buf_put(&b, slice_make(response->about.ptr, d->etag_len));
    buf_put(&b, slice_skip(response->about, d->validators_len));
    response->about = buf_slice(&b);
}

// The whole file. `by` is of the decision.
static void answer_whole(const struct exchange *x, struct cached_file *file, enum field_id by)
{
    char lines_text[DESCRIPTION_MAX], digest_text[DIGEST_FIELD_MAX];
    struct buf digest = buf_make(digest_text, sizeof(digest_text));
    struct response response = respond_start(x, 200);
    describe_whole(x, file, &response);
    if (by == FIELD_IF_MODIFIED_SINCE)
        leave_date_out(file, lines_text, &response);
    response.digest = digest_of(x, file, &digest);
    respond_with_file(x, &response, file, (struct range){0, file->about.size});
}

// One range, or nothing, of the file.
static void answer_range(const struct exchange *x, struct cached_file *file,
                         const struct decision *decision)
{
    const struct range range = decision->ranges[0];
    char digest_text[DIGEST_FIELD_MAX];
    struct buf digest = buf_make(digest_text, sizeof(digest_text));
    struct response response = respond_start(x, decision->status);
    if (decision->status == 304)
        response.about = slice_make(file->description.lines.ptr, file->description.etag_len);
    else
        set_partial_lines(x, file, range, &response);
    response.digest = digest_of(x, file, &digest);
    respond_with_file(x, &response, file, range);
}

static void answer_file(const struct exchange *x)
{
    struct cached_file *file = x->route->file;
    struct decision decision;
    struct parts parts = {.decision = &decision};
    decision_make(x->r, &file->about, x->ctx->clock.wall_s, &decision);
    if (decision.range_count > 1)
        plan_parts(x, file, &decision, &parts);
    x->route->condition = decision.by;
    x->route->range = decision.range;
    if (decision.status == 200) {
        answer_whole(x, file, decision.by);
    } else if (decision.status == 412 || decision.status == 416) {
        uint64_t size = file->about.size;
        cached_file_release(file);
        x->route->reason = decision.status == 412 ? REASON_CONDITION : REASON_RANGE;
        answer_error(x, decision.status, size);
    } else if (decision.range_count > 1) {
        answer_ranges(x, file, &parts);
    } else {
        answer_range(x, file, &decision);
    }
}

// ---- listings ----------------------------------------------------------------------------------

// A program that names JSON gets it, on a tie with HTML as well; browsers do not name it.
static bool prefers_json(const struct request *r)
{
    struct slice json = SLICE("application/json"), html = SLICE("text/html");
    unsigned x = accept_quality(r, json), y = accept_quality(r, html);
    return x > y || (x == y && accept_names(r, json) && !accept_names(r, html));
}

static struct listing_view view_of(const struct exchange *x)
{
    struct listing_view view = {.path = slice_skip(x->route->path, 1)};
    if (prefers_json(x->r))
        view.format = LISTING_JSON;
    listing_view_parse(x->r->query, &view);
    return view;
}

// The text that a page shows below its entries; NULL: none.
static struct cached_file *find_readme(const struct exchange *x, struct listing_view *v)
{
    if (v->format != LISTING_HTML || x->r->method == METHOD_HEAD)
        return NULL;
    return readme_find(&x->query, x->r, x->route, &v->readme);
}

static struct snapshot *find_snapshot(const struct exchange *x, const struct listing_view *v,
                                      enum reason *ret_reason)
{
    const struct snapshot_query query = {
        .route = x->route,
        .view = *v,
        .client = endpoint_network(&x->ctx->client.address),
        .scheme = x->ctx->client.scheme,
        .limit = (uint32_t)x->ctx->served->conf->limits.listing,
    };
    return listings_get(x->ctx, x->c, &query, ret_reason);
}

static void answer_snapshot(const struct exchange *x, struct snapshot *snapshot,
                            struct listing_view *v)
{
    struct cached_file *readme = find_readme(x, v);
    if (asking_must_wait(x->ctx)) {
        snapshots_release(snapshot);
        if (readme)
            cached_file_release(readme);
        return;
    }
    const struct listing_body_options options = {
        .snapshot = snapshot,
        .view = *v,
        .readme = readme,
        .chunked = x->r->minor_version >= 1,
    };
    struct body_source *source = listing_body_new(&options);
    if (!source) {
        snapshots_release(snapshot);
        if (readme)
            cached_file_release(readme);
        refuse_exchange(x, REASON_SHORTAGE);
        return;
    }
    if (!options.chunked && x->c->ending == CONN_STAYS)
        x->c->ending = CONN_CLOSES; // that ends the content
    struct response response = respond_start(x, 200);
    if (options.view.format == LISTING_HTML)
        response.policy = SLICE(LISTING_POLICY);
    response.type = listing_type(options.view.format);
    response.chunked = options.chunked;
    respond_with_source(x, &response, readme, source);
}

// False: the directory is to be read first.
static bool answer_directory(const struct exchange *x)
{
    static const struct representation unknown = {.mtime = -1};
    struct listing_view view = view_of(x);
    enum reason reason;
    x->route->vary |= ROUTE_VARY_ACCEPT;
    int status = precond_check(x->r, &unknown, x->ctx->clock.wall_s, &x->route->condition);
    if (status) {
        x->route->reason = status == 412 ? REASON_CONDITION : REASON_NONE;
        answer_status(x, status);
        return true;
    }
    struct snapshot *snapshot = find_snapshot(x, &view, &reason);
    if (snapshot)
        answer_snapshot(x, snapshot, &view);
    else if (reason != REASON_NONE)
        refuse_exchange(x, reason);
    return snapshot || reason != REASON_NONE;
}

// ---- the server itself -------------------------------------------------------------------------

// /healthz: this loop works. /readyz: and it wants more.
// Balancers that are told no path or method ask for "/", or for OPTIONS.
static bool is_about_readiness(const struct request *r)
{
    return r->form == TARGET_ASTERISK || slice_equal(r->path, SLICE("/")) ||
           slice_equal(r->path, SLICE("/readyz"));
}

static void answer_admin(const struct exchange *x)
{
    bool ready = !context_is_ending(x->ctx) && !atomic_load(x->ctx->shared->is_unready);
    bool is_health = slice_equal(x->r->path, SLICE("/healthz"));
    struct slice text = is_health ? SLICE("alive\n")
                        : ready   ? SLICE("ready\n")
                                  : SLICE("draining\n");
    if (!is_health && !is_about_readiness(x->r)) {
        refuse_exchange(x, REASON_ADMIN_PATH);
        return;
    }
    struct response response = respond_start(x, is_health || ready ? 200 : 503);
    response.about = SLICE("Cache-Control: no-store\r\n");
    response.type = SLICE("text/plain; charset=utf-8");
    response.has_length = true;
    response.content_length = text.len;
    respond_with(x, &response, x->r->method == METHOD_HEAD ? none : text);
}

// ---- requests ----------------------------------------------------------------------------------

// Whether a generation is about to come that has the site's root as it is now. Content of a request
// that was thrown away is not there to be read by another loop.
static bool is_for_next_generation(const struct exchange *x)
{
    const struct context *ctx = x->ctx;
    return ctx->cache.swapped && !context_is_ending(ctx) && x->r->body == BODY_NONE &&
           ctx->clock.now >= ctx->root_wait_at &&
           (ctx->questions.turn.is_swapped || sites_is_swapped(x->route->site));
}

static bool answer_found(const struct exchange *x)
{
    route_resolve(&x->query, x->r, x->route);
    bool is_for_next = !asking_must_wait(x->ctx) && is_for_next_generation(x);
    if (is_for_next) // a listing of its root as it was is of no use
        listings_leave(x->c);
    if (is_for_next || asking_must_wait(x->ctx)) {
        if (x->route->kind == ROUTE_FILE)
            cached_file_release(x->route->file);
        return false;
    }
    if (x->route->kind == ROUTE_FILE)
        answer_file(x);
    else if (x->route->kind == ROUTE_DIRECTORY)
        return answer_directory(x) && !asking_must_wait(x->ctx);
    else
        answer_status(x, x->route->status);
    return !asking_must_wait(x->ctx);
}

bool handler_answer(struct context *ctx, struct conn *c, const struct request *r)
{
    const struct exchange x = exchange_of(ctx, c, r);
    // Those listeners come last; of one that is gone the number is beyond all.
    bool is_admin = c->listener >= ctx->served->admin && c->listener < ctx->served->listener_count;
    if (is_admin)
        route_none(x.route, REASON_NONE);
    else
        route_start(&x.query, r, x.route);
    if (r->method == METHOD_OTHER)
        refuse_exchange(&x, REASON_METHOD_UNKNOWN);
    else if (x.route->status && (r->method != METHOD_OPTIONS || x.route->status >= 400))
        answer_status(&x, x.route->status);
    else if (!handler_is_served(r->method))
        refuse_exchange(&x, REASON_METHOD_UNSERVED);
    else if (is_admin)
        answer_admin(&x);
    else if (r->method == METHOD_OPTIONS)
        answer_options(&x);
    else
        return answer_found(&x);
    return !asking_must_wait(ctx);
}

void handler_refuse(struct context *ctx, struct conn *c, const struct request *r,
                    enum reason reason)
{
    const struct exchange x = exchange_of(ctx, c, r);
    c->ending = CONN_LINGERS;
    route_none(x.route, reason);
    answer_status(&x, reason_status(reason));
    if (reason == REASON_REQUEST_PROXY)
        context_tell_proxy(ctx, PROXY_NOTICE_UNEXPECTED, c->listener);
}

void handler_continue(struct context *ctx)
{
    struct buf b = output_begin(&ctx->output);
    buf_put(&b, statuses_line(100));
    buf_put(&b, SLICE("\r\n"));
    output_commit(&ctx->output, &b);
    scoreboard_add_answer(ctx->slot, 100);
}
