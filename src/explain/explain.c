#include "explain/explain.h"

#include "base/endpoint.h"
#include "base/num.h"
#include "content/route_settings.h"
#include "explain/explain_client.h"
#include "explain/explain_file.h"
#include "explain/explain_path.h"
#include "explain/explain_rules.h"
#include "explain/explain_text.h"
#include "http/hostname.h"
#include "server/conn.h"
#include "server/handler.h"
#include "server/intake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

// Descriptors of files that the loop may keep, of which one request has a few.
#define FILES 64

// All of one explanation.
struct job {
    const struct explain *e;
    struct served served; // that of `e`, but for descriptors
    struct context_shared shared;
    struct budget listing_memory;
    struct scoreboard_slot slot;
    struct scoreboard_notes notes;
    struct context ctx;
    struct conn conn;
    struct request request;
    enum reason refused; // why the request is refused before it is routed
    struct buf client;   // the address of the client for whom the request is answered
    char client_text[INET6_ADDRSTRLEN];
    int status;          // of the answer
    struct slice answer; // its head
    char head[OUTPUT_GATHER];
    struct route route;        // of the second look
    const struct rule **rooms; // for the rules that match, of the second look and of its path
    const struct rule **own;   // the rules that match the request's path
    size_t own_count;
    struct buf looks; // what that came by
    char looks_text[EXPLAIN_MAX / 2];
    struct buf causes; // of errors
    char causes_text[EXPLAIN_MAX / 4];
};

bool explain_parse_client(const char *text, struct sockaddr_in6 *ret)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 client = {.sin6_family = AF_INET6};
    if (strcmp(text, "unix") == 0)
        client.sin6_family = AF_UNIX;
    else if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(&client, &in, sizeof(in));
    else if (inet_pton(AF_INET6, text, &client.sin6_addr) != 1)
        return false;
    *ret = client;
    return true;
}

// ---- the answer --------------------------------------------------------------------------------

// Why the request is refused before it is routed, if it is. All that the client sends is at hand.
static enum reason parse_job_request(struct job *j, struct slice head)
{
    const struct conf_limits *limits = &j->e->served->conf->limits;
    struct head_scan scan = {0};
    struct body body;
    enum reason reason = REASON_REQUEST_UNFINISHED; // the rest is waited for in vain
    if (intake_scan(limits, &scan, head, &reason) == HEAD_COMPLETE)
        return intake_parse(limits, slice_make(head.ptr, scan.pos), &j->request, &body);
    request_parse_start(head, &j->request);
    return reason;
}

// Nobody is waited for, and a directory is read here.
static void answer_at_once(struct job *j)
{
    struct snapshots *snapshots = &j->ctx.snapshots;
    if (!handler_answer(&j->ctx, &j->conn, &j->request) && j->conn.listing) {
        struct snapshot *one = snapshots_next(snapshots, j->ctx.clock.now);
        snapshot_read(one);
        snapshots_done(snapshots, one);
        (void)handler_answer(&j->ctx, &j->conn, &j->request);
    }
}

static void answer_job(struct job *j)
{
    struct slice head = slice_skip(j->e->head, head_skip_empty_lines(j->e->head));
    const struct request *r = &j->request;
    j->refused = parse_job_request(j, head);
    if (intake_declines_content(r))
        j->conn.ending = CONN_LINGERS;
    j->ctx.client = (struct proxies_client){.address = j->conn.client};
    if (!j->refused)
        proxies_find_client(&j->served.proxies, r, &j->ctx.client);
    endpoint_put_host(&j->client, &j->ctx.client.address);
    if (j->refused)
        handler_refuse(&j->ctx, &j->conn, r, j->refused);
    else
        answer_at_once(j);
}

// Keeps the head of what was answered. The loop has nothing but that, and content behind it.
static void take_head(struct job *j)
{
    static const char end[] = "\r\n\r\n";
    const char *at = memmem(j->ctx.output.gather, j->ctx.output.gathered, end, strlen(end));
    size_t len = at ? (size_t)(at - j->ctx.output.gather) + strlen("\r\n") : 0;
    uint64_t status = 0;
    memcpy(j->head, j->ctx.output.gather, len);
    j->answer = slice_make(j->head, len);
    if (len > strlen("HTTP/1.1 200"))
        num_parse_dec(slice_make(j->head + strlen("HTTP/1.1 "), 3), 999, &status);
    j->status = (int)status;
    transfer_finish(&j->conn.transfer, &j->ctx.pool);
}

// ---- the second look ---------------------------------------------------------------------------

static struct route_query query_of_job(struct job *j)
{
    struct route_query query = {
        .sites = &j->e->served->sites,
        .cache = &j->ctx.cache,
        .listener = j->e->listener,
        .client = endpoint_network(&j->ctx.client.address),
        .scheme = j->ctx.client.scheme,
        .moment = {j->ctx.turns.group, j->ctx.clock.wall_s},
        .matched = j->rooms,
    };
    return query;
}

// Why this look found no file.
static void put_cause(struct job *j, const struct route_look *look)
{
    const struct site *site = j->route.site;
    if (look->path.len == 0) {
        explain_text_line(&j->causes, "cause", "%s", reason_text(REASON_RULE_PATH));
        return;
    }
    if (look->hidden) {
        explain_text_line(&j->causes, "cause", "%s", reason_text(look->found->reason));
        return;
    }
    struct slice path = slice_skip(look->path, 1);
    const struct tree *tree = sites_tree(site, path);
    if (tree->silent) {
        explain_text_line(&j->causes, "cause", "%s: %s", tree->silent,
                          reason_text(REASON_ROOT_SILENT));
        return;
    }
    const struct explain_path p = {
        .site = site,
        .tree = tree,
        .links = route_settings_links(site, &j->route.ruling),
        .listing = route_settings_lists(site, &j->route.ruling),
        .index = route_settings_index(j->route.site, &j->route.ruling),
        .path = slice_skip(path, tree->prefix.len),
    };
    explain_path_put(&j->causes, &p);
}

// Several looks may fail for the same cause: a path, then an error page in the same directory.
static void drop_repeated(struct buf *b, size_t before)
{
    size_t len = b->len - before;
    if (len && memmem(b->data, before, b->data + before, len))
        b->len = before;
}

static const char *kind_of_look(const struct route_look *look)
{
    static const char *const kinds[] = {
        [RESOURCE_FILE] = "a file",
        [RESOURCE_REDIRECT] = "a directory",
        [RESOURCE_DIRECTORY] = "a directory, which may be listed",
        [RESOURCE_NONE] = "no file",
    };
    bool names_directory = look->path.len && look->path.ptr[look->path.len - 1] == '/';
    return look->found->kind == RESOURCE_FILE && names_directory ? "a directory with an index"
                                                                 : kinds[look->found->kind];
}

static void note_look(void *context, const struct route_look *look)
{
    static const char *const purposes[] = {
        [ROUTE_FOR_PATH] = "",
        [ROUTE_FOR_REWRITE] = "rewritten",
        [ROUTE_FOR_MAPPED] = "rewritten",
        [ROUTE_FOR_TRY] = "tried",
        [ROUTE_FOR_FALLBACK] = "fallback",
        [ROUTE_FOR_ERROR_PAGE] = "error page",
    };
    struct job *j = context;
    const char *purpose = purposes[look->purpose];
    const size_t before = j->causes.len;
    if (*purpose)
        explain_text_line(&j->looks, purpose, "%.*s: %s", SLICE_ARG(look->path),
                          kind_of_look(look));
    if (look->found->kind == RESOURCE_NONE)
        put_cause(j, look);
    else if (look->found->kind == RESOURCE_REDIRECT && !*purpose)
        explain_text_line(&j->looks, "redirect",
                          "%.*s is a directory, so its address ends in a slash",
                          SLICE_ARG(look->path));
    else if (look->found->kind == RESOURCE_REDIRECT)
        explain_text_line(&j->causes, "cause", "a rule leads to the directory %.*s, not to a file",
                          SLICE_ARG(look->path));
    drop_repeated(&j->causes, before);
}

// Routes the request once more, in the same group and so with the same result, for what the answer
// does not keep.
static void look_again(struct job *j)
{
    struct route_query query = query_of_job(j);
    const struct request *r = &j->request;
    query.trace = note_look;
    query.trace_context = j;
    route_start(&query, r, &j->route);
    j->own_count = j->route.ruling.matched_count;
    if (j->own_count)
        memcpy(j->own, j->route.ruling.matched, j->own_count * sizeof(*j->own));
    if (j->route.status == 0 && (r->method == METHOD_GET || r->method == METHOD_HEAD))
        route_resolve(&query, r, &j->route);
}

// The rules of an error page's own path add to the answer's head.
static void look_for_error_page(struct job *j)
{
    struct route_query query = query_of_job(j);
    query.trace = note_look;
    query.trace_context = j;
    struct cached_file *page = j->status >= 400 ? route_error_page(&query, &j->route, j->status)
                                                : NULL;
    if (page)
        cached_file_release(page);
}

// ---- in words ----------------------------------------------------------------------------------

static const char *by_name(const struct site *site, struct slice host, const char **ret_name)
{
    const struct conf_strings *names = &site->conf->names;
    const char *suffix = NULL;
    for (size_t i = 0; i < names->count; i++) {
        enum hostname_match match = hostname_compare(slice_of(names->items[i]), host);
        *ret_name = names->items[i];
        if (match == HOST_EXACT)
            return "by its name";
        if (match == HOST_SUFFIX && (!suffix || strlen(names->items[i]) > strlen(suffix)))
            suffix = names->items[i];
    }
    *ret_name = suffix;
    return suffix ? "by its name" : NULL;
}

static void put_site(struct job *j, struct buf *out)
{
    const struct sites *sites = &j->e->served->sites;
    const struct site *site = j->route.site;
    char where[CONF_ORIGIN_MAX];
    const char *name = NULL, *why;
    if (!site && j->route.reason == REASON_SITE_UNKNOWN) {
        explain_text_line(out, "site", "none has the name \"%.*s\": unknown_host = \"refuse\"",
                          SLICE_ARG(j->request.host));
        return;
    }
    if (!site) {
        explain_text_line(out, "site", "none answers on %s", j->e->address);
        return;
    }
    explain_text_line(out, "site", "%s, root %s", conf_origin_format(site->conf->origin, where),
                      site->conf->root);
    why = sites->count > 1 ? by_name(site, j->request.host, &name) : "the only one";
    if (name)
        explain_text_line(out, "", "%s \"%s\"", why, name);
    else if (why)
        explain_text_line(out, "", "%s", why);
    else if (site->conf->names.count == 0)
        explain_text_line(out, "", "it has no names, so it answers where no other site's match");
    else
        explain_text_line(out, "", "no site has this name, and this is the first on %s",
                          j->e->address);
}

static void put_path(struct job *j, struct buf *out)
{
    const struct request *r = &j->request;
    const struct route *route = &j->route;
    if (r->path.len && route->path.len == 0)
        explain_text_line(out, "cause", "%s", reason_text(route->reason));
    else if (!slice_equal(r->path, route->path))
        explain_text_line(out, "path", "%.*s, decoded", SLICE_ARG(route->path));
}

// Why nobody is sent to the fallback of a rule.
static void put_no_fallback(struct job *j, struct buf *out)
{
    const struct request *r = &j->request;
    struct slice mode = r->first[FIELD_SEC_FETCH_MODE];
    if (!j->route.no_fallback)
        return;
    if (mode.ptr) {
        explain_text_line(out, "fallback",
                          "not for this request: Sec-Fetch-Mode is %.*s, not navigate",
                          SLICE_ARG(mode));
    } else {
        explain_text_line(out, "fallback", "not for this request, which is for a part of a page:");
        explain_text_line(out, "", "its path has an extension, or its Accept has no text/html");
    }
}

// The field that made the answer another one than the whole file, or left the file's date out.
static void put_condition(struct job *j, struct buf *out)
{
    enum field_id by = j->ctx.route.condition;
    if (by == FIELD_OTHER)
        return;
    if (j->status == 200) {
        explain_text_line(out, "condition", "%.*s: %.*s is later than Last-Modified,",
                          SLICE_ARG(request_field_name(by)), SLICE_ARG(j->request.first[by]));
        explain_text_line(out, "", "which is left out: the file may be another one since then");
        return;
    }
    explain_text_line(out, "condition", "%.*s: %.*s makes it %d", SLICE_ARG(request_field_name(by)),
                      SLICE_ARG(j->request.first[by]), j->status);
}

static void put_rules(struct job *j, struct buf *out)
{
    const struct explain_rules rules = {.route = &j->route,
                                        .own = j->own,
                                        .own_count = j->own_count,
                                        .status = j->status,
                                        .has_policy = j->ctx.route.has_policy,
                                        .client = j->client_text,
                                        .network = endpoint_network(&j->ctx.client.address)};
    if (j->route.site && j->route.path.len)
        explain_rules_put(out, &rules);
}

// The ranges that were asked for and not sent.
static void put_range(struct job *j, struct buf *out)
{
    static const char *const causes[] = {
        [DECISION_RANGE_IGNORED] = "it is no list of byte ranges that this file has",
        [DECISION_RANGE_TOO_MANY] = "it has more ranges than limits.ranges",
        [DECISION_RANGE_OUTDATED] = "If-Range names another state of the file",
        [DECISION_RANGE_COSTLY] = "its ranges would take no less than the whole file",
    };
    enum decision_range range = j->ctx.route.range;
    if (range >= DECISION_RANGE_IGNORED)
        explain_text_line(out, "range", "is ignored: %s", causes[range]);
}

// Why a page that was found is not sent at this address.
static void put_slash(struct job *j, struct buf *out)
{
    const struct route *route = &j->route;
    if (!route->ruling.lookup.rule || route->kind != ROUTE_STATUS)
        return;
    if (route->slash == ROUTE_SLASH_ADDED)
        explain_text_line(out, "redirect", "%.*s is a directory, so its address ends in a slash",
                          SLICE_ARG(route->path));
    if (route->slash == ROUTE_SLASH_DROPPED)
        explain_text_line(out, "redirect", "%.*s is a page, whose address has no slash at its end",
                          (int)route->path.len - 1, route->path.ptr);
}

static void put_found(struct job *j, struct buf *out)
{
    const struct route_query query = query_of_job(j);
    const struct explain_file file = {
        .conf = j->e->served->conf, .query = &query, .route = &j->route, .request = &j->request};
    if (j->route.kind == ROUTE_FILE)
        explain_file_put(out, &file);
    if (j->route.kind == ROUTE_DIRECTORY)
        explain_text_line(out, "directory", "%s/%.*s, listed", j->route.tree->directory,
                          SLICE_ARG(j->route.directory));
    put_condition(j, out);
    put_range(j, out);
    put_slash(j, out);
    put_no_fallback(j, out);
    enum reason reason = j->ctx.route.reason;
    if (reason == REASON_METHOD_UNKNOWN || reason == REASON_METHOD_UNSERVED)
        explain_text_line(out, "cause", "the method %.*s is not served",
                          SLICE_ARG(j->request.method_name));
    if (j->status >= 400)
        buf_put(out, buf_slice(&j->causes));
}

// The request is served, by a site.
static void put_served(struct job *j, struct buf *out)
{
    look_again(j);
    look_for_error_page(j);
    put_site(j, out);
    put_path(j, out);
    put_rules(j, out);
    buf_put(out, buf_slice(&j->looks));
    put_found(j, out);
    if (j->route.file)
        cached_file_release(j->route.file);
}

static void put_served_to(struct job *j, struct buf *out)
{
    const struct explain_client client = {
        .proxies = &j->served.proxies, .request = &j->request, .peer = &j->conn.client};
    explain_client_put(out, &client);
    put_served(j, out);
}

static void put_explanation(struct job *j, struct buf *out)
{
    explain_text_line(out, "request", "%.*s, from %s on %s", SLICE_ARG(j->request.line),
                      j->e->client, j->e->address);
    if (j->refused)
        explain_text_line(out, "cause", "%s", reason_text(j->refused));
    else
        put_served_to(j, out);
    buf_putc(out, '\n');
    explain_text_bytes(out, j->answer);
}

// ---- the job -----------------------------------------------------------------------------------

static int start_job(struct job *j)
{
    struct sockaddr_in6 peer;
    if (!explain_parse_client(j->e->client, &peer))
        return -EINVAL;
    // It accepts nothing, hands nothing over, and logs nothing.
    j->served = *j->e->served;
    j->served.listener_count = 0;
    j->served.access_log = -1;
    j->shared = (struct context_shared){
        .served = &j->served,
        .listing_memory = &j->listing_memory,
        .connection_limit = 1,
        .file_limit = FILES,
    };
    j->listing_memory.limit = j->served.conf->limits.listing_memory;
    j->looks = buf_make(j->looks_text, sizeof(j->looks_text));
    j->client = buf_make(j->client_text, sizeof(j->client_text) - 1);
    j->causes = buf_make(j->causes_text, sizeof(j->causes_text));
    size_t most = sites_most_rules(&j->served.sites) + 1;
    j->rooms = calloc(2 * most, sizeof(*j->rooms));
    if (!j->rooms)
        return -ENOMEM;
    j->own = j->rooms + most;
    int error = context_init(&j->ctx, &j->shared, &j->slot, &j->notes);
    conn_open(&j->conn, -1, &peer, j->e->listener, j->ctx.clock.now);
    j->ctx.root_wait_at = INT64_MAX;
    return error;
}

int explain_write(const struct explain *e, struct buf *out)
{
    struct job *j = aligned_alloc(_Alignof(struct job), sizeof(*j));
    if (!j)
        return -ENOMEM;
    memset(j, 0, sizeof(*j));
    j->e = e;
    int r = start_job(j);
    if (r == 0) {
        answer_job(j);
        take_head(j);
        put_explanation(j, out);
        context_cleanup(&j->ctx);
    }
    free(j->rooms);
    free(j);
    return r;
}
