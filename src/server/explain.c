#include "server/explain.h"

#include "base/num.h"
#include "http/hostname.h"
#include "server/answer.h"
#include "server/explain_file.h"
#include "server/explain_path.h"
#include "server/explain_rules.h"
#include "server/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

// Descriptors of files that the loop may keep, of which one request has a few.
#define FILES 64

// All of one explanation.
struct job {
    const struct explain *e;
    struct service service;
    struct scoreboard_slot slot;
    struct loop loop;
    struct conn conn;
    struct request request;
    int refused;         // the status with which the request is refused, before it is routed
    int status;          // of the answer
    struct slice answer; // its head
    char head[LOOP_GATHER];
    struct route route;                // of the second look
    const struct rule *own[RULES_MAX]; // the rules that match the request's path
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

static bool fits_limits(struct job *j, struct slice *head)
{
    const struct conf_limits *limits = &j->e->conf->limits;
    const struct head_limits head_limits = {
        (uint32_t)limits->request_line, (uint32_t)limits->fields, (uint32_t)limits->field_lines};
    struct head_scan scan = {0};
    if (head_scan_feed(&scan, *head, &head_limits, &j->refused) == HEAD_COMPLETE) {
        head->len = scan.pos;
        return true;
    }
    if (j->refused == 0)
        j->refused = 408; // the rest is waited for in vain
    request_parse_start(*head, &j->request);
    return false;
}

// As server/conn.c, with all that the client sends at hand.
static void answer(struct job *j)
{
    struct slice head = slice_skip(j->e->head, head_skip_empty_lines(j->e->head));
    struct request *r = &j->request;
    struct body body;
    if (fits_limits(j, &head))
        j->refused = request_parse(head, r);
    if (!j->refused && r->body != BODY_NONE && !body_init(&body, r, j->e->conf->limits.body))
        j->refused = 413;
    if (j->refused) {
        answer_refuse(&j->loop, &j->conn, r, j->refused);
        return;
    }
    // Who asks first does not send the content of a request that is refused.
    if (r->body != BODY_NONE && r->expect_continue && !answer_is_served(r->method))
        j->conn.ending = CONN_LINGERS;
    answer_request(&j->loop, &j->conn, r);
}

// Keeps the head of what was answered. The loop has nothing but that, and content behind it.
static void take_head(struct job *j)
{
    static const char end[] = "\r\n\r\n";
    const char *at = memmem(j->loop.gather, j->loop.gathered, end, strlen(end));
    size_t len = at ? (size_t)(at - j->loop.gather) + strlen("\r\n") : 0;
    uint64_t status = 0;
    memcpy(j->head, j->loop.gather, len);
    j->answer = slice_make(j->head, len);
    if (len > strlen("HTTP/1.1 200"))
        num_parse_dec(slice_make(j->head + strlen("HTTP/1.1 "), 3), 999, &status);
    j->status = (int)status;
    if (conn_has_content(&j->conn))
        answer_finish(&j->loop, &j->conn, NULL);
}

// ---- the second look ---------------------------------------------------------------------------

static struct route_query query_of(struct job *j)
{
    struct route_query query = {
        .sites = j->e->sites,
        .cache = &j->loop.cache,
        .listener = j->e->listener,
        .client = conn_network(&j->conn),
        .moment = {j->loop.group, j->loop.clock.wall_s},
    };
    return query;
}

static bool may_list(const struct job *j)
{
    enum rule_switch said = j->route.ruling.listing;
    return said == RULE_UNSAID ? j->route.site->conf->listing : said == RULE_ON;
}

// Why this look found no file.
static void put_cause(struct job *j, const struct route_look *look)
{
    const struct site *site = j->route.site;
    if (look->path.len == 0) {
        report_line(&j->causes, "cause", "a rule leads to a path that no file can have");
        return;
    }
    if (look->hidden) {
        report_line(&j->causes, "cause",
                    "a name that begins with a dot is not shown: dotfiles = false");
        return;
    }
    struct slice path = slice_skip(look->path, 1);
    const struct tree *tree = sites_tree(site, path);
    const struct explain_path p = {
        .site = site,
        .tree = tree,
        .links = route_links(&j->route),
        .listing = may_list(j),
        .path = slice_skip(path, tree->prefix.len),
    };
    explain_path_put(&j->causes, &p);
}

static void note_look(void *context, const struct route_look *look)
{
    static const char *const purposes[] = {
        [ROUTE_FOR_PATH] = "",
        [ROUTE_FOR_REWRITE] = "rewritten",
        [ROUTE_FOR_TRY] = "tried",
        [ROUTE_FOR_FALLBACK] = "fallback",
        [ROUTE_FOR_ERROR_PAGE] = "error page",
    };
    static const char *const kinds[] = {
        [RESOURCE_FILE] = "a file",
        [RESOURCE_REDIRECT] = "a directory",
        [RESOURCE_DIRECTORY] = "a directory, which may be listed",
        [RESOURCE_STATUS] = "no file",
    };
    struct job *j = context;
    const char *purpose = purposes[look->purpose];
    if (*purpose)
        report_line(&j->looks, purpose, "%.*s: %s", SLICE_ARG(look->path),
                    kinds[look->found->kind]);
    if (look->found->kind == RESOURCE_STATUS)
        put_cause(j, look);
    else if (look->found->kind == RESOURCE_REDIRECT && !*purpose)
        report_line(&j->looks, "redirect", "%.*s is a directory, so its address ends in a slash",
                    SLICE_ARG(look->path));
    else if (look->found->kind == RESOURCE_REDIRECT)
        report_line(&j->causes, "cause", "a rule leads to the directory %.*s, not to a file",
                    SLICE_ARG(look->path));
}

// Routes the request once more, in the same group and so with the same result, for what the answer
// does not keep.
static void look_again(struct job *j)
{
    struct route_query query = query_of(j);
    const struct request *r = &j->request;
    query.trace = note_look;
    query.trace_context = j;
    route_start(&query, r, &j->route);
    j->own_count = j->route.ruling.matched_count;
    memcpy(j->own, j->route.ruling.matched, j->own_count * sizeof(*j->own));
    if (j->route.status == 0 && (r->method == METHOD_GET || r->method == METHOD_HEAD))
        route_resolve(&query, r, &j->route);
}

// The rules of an error page's own path add to the answer's head.
static void look_for_error_page(struct job *j)
{
    struct route_query query = query_of(j);
    query.trace = note_look;
    query.trace_context = j;
    struct cached_file *page = j->status >= 400 ? route_error_page(&query, &j->route, j->status)
                                                : NULL;
    if (page)
        filecache_release(page);
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
    const struct sites *sites = j->e->sites;
    const struct site *site = j->route.site;
    char where[CONF_ORIGIN_MAX];
    const char *name = NULL, *why;
    if (!site) {
        report_line(out, "site", "none answers on %s", j->e->address);
        return;
    }
    report_line(out, "site", "%s, root %s", conf_origin_format(site->conf->origin, where),
                site->conf->root);
    why = sites->count > 1 ? by_name(site, j->request.host, &name) : "the only one";
    if (name)
        report_line(out, "", "%s \"%s\"", why, name);
    else if (why)
        report_line(out, "", "%s", why);
    else if (site->conf->names.count == 0)
        report_line(out, "", "it has no names, so it answers where no other site's match");
    else
        report_line(out, "", "no site has this name, and this is the first on %s", j->e->address);
}

// Why there is no decoded path.
static const char *path_fault(int status)
{
    if (status == 404)
        return "holds an escaped slash, which no name of a file has";
    return status == 414 ? "is longer than any path of a file"
                         : "holds a bad escape or a NUL, or leads above the root by \"..\"";
}

static void put_path(struct job *j, struct buf *out)
{
    const struct request *r = &j->request;
    const struct route *route = &j->route;
    if (r->path.len && route->path.len == 0)
        report_line(out, "cause", "the path %s", path_fault(route->status));
    else if (!slice_equal(r->path, route->path))
        report_line(out, "path", "%.*s, decoded", SLICE_ARG(route->path));
}

// Why nobody is sent to the fallback of a rule.
static void put_no_fallback(struct job *j, struct buf *out)
{
    const struct request *r = &j->request;
    struct slice mode = r->first[FIELD_SEC_FETCH_MODE];
    if (!j->route.ruling.fallback || j->status != 404 || j->route.ruling.status ||
        route_is_navigation(r, j->route.path))
        return;
    if (mode.ptr) {
        report_line(out, "fallback", "not for this request: Sec-Fetch-Mode is %.*s, not navigate",
                    SLICE_ARG(mode));
    } else {
        report_line(out, "fallback", "not for this request, which is for a part of a page:");
        report_line(out, "", "its path has an extension, or its Accept has no text/html");
    }
}

// What made the answer another one than the whole file.
static void put_condition(struct job *j, struct buf *out)
{
    static const struct {
        int status;
        enum field_id field;
        const char *name;
    } rows[] = {
        {412, FIELD_IF_MATCH, "If-Match"},
        {412, FIELD_IF_UNMODIFIED_SINCE, "If-Unmodified-Since"},
        {412, FIELD_IF_NONE_MATCH, "If-None-Match"},
        {304, FIELD_IF_NONE_MATCH, "If-None-Match"},
        {304, FIELD_IF_MODIFIED_SINCE, "If-Modified-Since"},
        {206, FIELD_RANGE, "Range"},
        {416, FIELD_RANGE, "Range"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct slice value = j->request.first[rows[i].field];
        if (rows[i].status != j->status || !value.ptr)
            continue;
        report_line(out, "condition", "%s: %.*s makes it %d", rows[i].name, SLICE_ARG(value),
                    j->status);
        return;
    }
}

static void put_rules(struct job *j, struct buf *out)
{
    const struct explain_rules rules = {.route = &j->route,
                                        .own = j->own,
                                        .own_count = j->own_count,
                                        .status = j->status,
                                        .client = j->e->client};
    if (j->route.site && j->route.path.len)
        explain_rules_put(out, &rules);
}

static void put_found(struct job *j, struct buf *out)
{
    const struct route_query query = query_of(j);
    const struct explain_file file = {
        .conf = j->e->conf, .query = &query, .route = &j->route, .request = &j->request};
    if (j->route.kind == ROUTE_FILE)
        explain_file_put(out, &file);
    if (j->route.kind == ROUTE_DIRECTORY)
        report_line(out, "directory", "%s/%.*s, listed", j->route.tree->directory,
                    SLICE_ARG(j->route.directory));
    put_condition(j, out);
    put_no_fallback(j, out);
    if (j->status == 405 || j->status == 501)
        report_line(out, "cause", "the method %.*s is not served",
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
        filecache_release(j->route.file);
}

// Why the request was not looked at any further.
static const char *refusal(int status)
{
    static const struct {
        int status;
        const char *why;
    } rows[] = {
        {400, "the request is malformed, or could be read in two ways"},
        {408, "the request's head has no end"},
        {413, "the content is longer than limits.body"},
        {414, "the request line is longer than limits.request_line"},
        {417, "what is expected is not \"100-continue\""},
        {421, "the target is for https, and tined has no TLS"},
        {431, "the fields are more than limits.fields or limits.field_lines"},
        {501, "the transfer coding is unknown"},
        {505, "the version of HTTP is not one that is spoken"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].status == status)
            return rows[i].why;
    return "the request is refused";
}

static void put(struct job *j, struct buf *out)
{
    report_line(out, "request", "%.*s, from %s on %s", SLICE_ARG(j->request.line), j->e->client,
                j->e->address);
    if (j->refused)
        report_line(out, "cause", "%s", refusal(j->refused));
    else
        put_served(j, out);
    buf_putc(out, '\n');
    report_text(out, j->answer);
}

// ---- the job -----------------------------------------------------------------------------------

static int start(struct job *j)
{
    struct sockaddr_in6 peer;
    if (!explain_parse_client(j->e->client, &peer))
        return -EINVAL;
    j->service = (struct service){
        .admin = SIZE_MAX,
        .handoff_in = -1,
        .handoff_out = -1,
        .conf = j->e->conf,
        .sites = j->e->sites,
        .types = j->e->types,
        .access_log = -1,
        .connection_limit = 1,
        .file_limit = FILES,
    };
    j->looks = buf_make(j->looks_text, sizeof(j->looks_text));
    j->causes = buf_make(j->causes_text, sizeof(j->causes_text));
    conn_open(&j->conn, -1, &peer, j->e->listener);
    return loop_init(&j->loop, &j->service, &j->slot);
}

int explain_write(const struct explain *e, struct buf *out)
{
    struct job *j = aligned_alloc(_Alignof(struct job), sizeof(*j));
    if (!j)
        return -ENOMEM;
    memset(j, 0, sizeof(*j));
    j->e = e;
    int r = start(j);
    if (r == 0) {
        answer(j);
        take_head(j);
        put(j, out);
        loop_cleanup(&j->loop);
    }
    free(j);
    return r;
}
