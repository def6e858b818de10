#include "server/route.h"

#include "base/util.h"
#include "http/accept.h"
#include "http/template.h"
#include "http/urlpath.h"

#include <assert.h>

// ---- the site and its rules --------------------------------------------------------------------

// Decodes behind a slash, which the patterns of rules begin with.
static int decode(struct slice raw, char text[static ROUTE_PATH_MAX], struct slice *ret,
                  bool *ret_hidden)
{
    struct slice path;
    if (raw.len >= ROUTE_PATH_MAX)
        return 414;
    int status = urlpath_decode(raw, text + 1, &path, ret_hidden);
    if (status)
        return status;
    text[0] = '/';
    *ret = slice_make(text, path.len + 1);
    return 0;
}

static void stop(struct route *route, int status)
{
    route->kind = ROUTE_STATUS;
    route->status = status;
}

// Redirects to the target in `b`, a buffer over target_text.
static void stop_with_target(struct route *route, const struct buf *b, int status)
{
    if (!b->overflow)
        route->location = buf_slice(b);
    stop(route, b->overflow ? 414 : status);
}

static void redirect(struct route *route, const struct request *r)
{
    const struct rule_use *use = &route->ruling.final;
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    const struct template_values values = {route->path, &use->captures};
    template_put_redirect(&b, use->rule->redirect, &values, r->query);
    stop_with_target(route, &b, route->ruling.status);
}

// The texts and lists, which are long, are written before they are read.
static void clear(struct route *ret)
{
    memset(ret, 0, offsetof(struct route, ruling));
}

static void clear_ruling(struct route *ret)
{
    memset(&ret->ruling, 0, offsetof(struct ruling, matched));
}

void route_none(struct route *ret)
{
    clear(ret);
    clear_ruling(ret);
}

void route_start(const struct route_query *q, const struct request *r, struct route *ret)
{
    clear(ret);
    ret->site = sites_find(q->sites, q->listener, r->host);
    if (r->path.len == 0) { // "*" names no path
        clear_ruling(ret);
        return;
    }
    int status = decode(r->path, ret->path_text, &ret->path, &ret->hidden);
    if (status || !ret->site) {
        clear_ruling(ret);
        stop(ret, status ? status : 404);
        return;
    }
    const struct ruleset *rules = &ret->site->rules;
    rules_apply(rules->rules, rules->count, ret->path, &q->client, &ret->ruling);
    if (ret->ruling.cors && cors_varies(ret->ruling.cors))
        ret->vary |= ROUTE_VARY_ORIGIN;
    if (ret->ruling.status >= 400)
        stop(ret, ret->ruling.status);
    else if (ret->ruling.status)
        redirect(ret, r);
}

// ---- the file ----------------------------------------------------------------------------------

enum rootfs_links route_links(const struct route *route)
{
    static const enum rootfs_links of_rule[] = {
        [RULE_LINKS_BENEATH] = ROOTFS_LINKS_BENEATH,
        [RULE_LINKS_NONE] = ROOTFS_LINKS_NONE,
        [RULE_LINKS_ANY] = ROOTFS_LINKS_ANY,
    };
    enum rule_links links = route->ruling.links;
    if (links == RULE_LINKS_UNSAID)
        links = (enum rule_links)route->site->conf->symlinks;
    return of_rule[links];
}

static bool is_on(enum rule_switch said, bool otherwise)
{
    return said == RULE_UNSAID ? otherwise : said == RULE_ON;
}

bool route_shows_hidden(const struct route *route)
{
    return is_on(route->ruling.dotfiles, route->site->conf->dotfiles);
}

static struct resource_query resources(const struct route_query *q, const struct route *route)
{
    return (struct resource_query){
        .cache = q->cache,
        .site = route->site,
        .moment = q->moment,
        .links = route_links(route),
        .listing = is_on(route->ruling.listing, route->site->conf->listing),
    };
}

// A type that a rule gives to what is asked for is not that of another document.
static const struct slice no_type = {NULL, 0};

static void trace(const struct route_query *q, const struct route_look *look)
{
    if (UNLIKELY(q->trace))
        q->trace(q->trace_context, look);
}

// What is at the decoded path of a look.
static void find(const struct route_query *q, const struct route *route, struct route_look *look,
                 struct resource *ret)
{
    const struct resource_query query = resources(q, route);
    look->hidden = look->hidden && !route_shows_hidden(route);
    if (look->hidden)
        *ret = (struct resource){.kind = RESOURCE_STATUS, .status = 404};
    else
        resource_find(&query, slice_skip(look->path, 1), ret);
    look->found = ret;
    trace(q, look);
}

// What a capture may make of a rule's path: the pattern "/v**" stands for "/v../x" as well, which
// is not to lead out of the directory that the rule names.
static bool has_dot_segment(struct slice path)
{
    while (path.ptr) {
        struct slice segment = slice_split(&path, '/');
        if (slice_equal(segment, SLICE(".")) || slice_equal(segment, SLICE("..")))
            return true;
    }
    return false;
}

// A path that a rule names.
struct target {
    enum route_purpose purpose;
    struct slice template;
    const struct glob_match *captures;
};

static void find_target(const struct route_query *q, struct route *route,
                        const struct target *target, struct resource *ret)
{
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    struct route_look look = {.purpose = target->purpose, .found = ret};
    const struct template_values values = {route->path, target->captures};
    template_put_path(&b, target->template, &values);
    int status = b.overflow ? 414
                            : decode(buf_slice(&b), route->resolved_text, &look.path, &look.hidden);
    if (status == 0 && has_dot_segment(buf_slice(&b)))
        status = 404;
    if (status) {
        look.path.len = 0;
        *ret = (struct resource){.kind = RESOURCE_STATUS, .status = status};
        trace(q, &look);
    } else {
        find(q, route, &look, ret);
    }
}

// Moves a directory's path, which the next look for a file would write over.
static void keep_directory(struct resource *r, char *text)
{
    if (r->kind != RESOURCE_DIRECTORY)
        return;
    memcpy(text, r->directory.ptr, r->directory.len);
    r->directory.ptr = text;
}

// The first candidate that is a file; else what the first one is that is anything.
static void find_tries(const struct route_query *q, struct route *route, struct resource *ret)
{
    const struct rule_use *use = &route->ruling.tries;
    char directory[PATH_MAX];
    *ret = (struct resource){.kind = RESOURCE_STATUS, .status = 404};
    for (size_t i = 0; i < use->rule->try_count && ret->kind != RESOURCE_FILE; i++) {
        struct resource found;
        const struct target target = {ROUTE_FOR_TRY, use->rule->tries[i], &use->captures};
        find_target(q, route, &target, &found);
        if (found.kind == RESOURCE_FILE || ret->kind == RESOURCE_STATUS) {
            *ret = found;
            keep_directory(ret, directory);
        }
    }
    keep_directory(ret, route->resolved_text);
}

// A script that is missing is not to be answered with a page.
bool route_is_navigation(const struct request *r, struct slice path)
{
    struct slice mode = r->first[FIELD_SEC_FETCH_MODE], name = path;
    if (mode.ptr)
        return slice_equal(mode, SLICE("navigate"));
    if (r->first[FIELD_ACCEPT].ptr && accept_names(r, SLICE("text/html")))
        return true;
    for (struct slice rest = path; rest.ptr;)
        name = slice_split(&rest, '/');
    return accept_quality(r, SLICE("text/html")) > 0 && slice_find(name, '.') < 0;
}

static void find_fallback(const struct route_query *q, const struct request *r, struct route *route,
                          struct resource *ret)
{
    static const struct glob_match none;
    const struct target target = {ROUTE_FOR_FALLBACK, route->ruling.fallback->fallback, &none};
    route->vary |= ROUTE_VARY_ACCEPT | ROUTE_VARY_FETCH;
    if (!route_is_navigation(r, route->path))
        return;
    find_target(q, route, &target, ret);
    route->ruling.type = no_type;
}

// The rules of the file's own path, when it is not the one that was asked for.
static void add_rules_of(struct route *route, const struct cached_file *file)
{
    const struct ruleset *rules = &route->site->rules;
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    if (rules->count == 0)
        return;
    buf_putc(&b, '/');
    buf_put(&b, file->key.tree->prefix);
    buf_put(&b, file->key.path);
    assert(!b.overflow);
    if (!slice_equal(buf_slice(&b), route->path))
        rules_apply_to_file(rules->rules, rules->count, buf_slice(&b), &route->ruling);
}

static void take_file(const struct route_query *q, const struct request *r, struct route *route,
                      struct cached_file *file)
{
    const struct resource_query query = resources(q, route);
    add_rules_of(route, file);
    if (resource_find_variant(&query, r, &file))
        route->vary |= ROUTE_VARY_ENCODING;
    route->kind = ROUTE_FILE;
    route->status = 200;
    route->file = file;
}

// Adds the slash that a directory's address ends in. One that has it already was led by a rule to a
// directory without: asking again would lead there again.
static void redirect_to_directory(const struct request *r, struct route *route)
{
    if (route->path.ptr[route->path.len - 1] == '/') {
        stop(route, 404);
        return;
    }
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    urlpath_slash_redirect(&b, slice_skip(route->path, 1), r->query);
    stop_with_target(route, &b, 301);
}

// A rule may have led to a directory from a path without a slash at its end; then the links of the
// listing would lead beside it, and the rules of its entries would be asked for other paths.
static void take_directory(const struct request *r, struct route *route,
                           const struct resource *found)
{
    if (route->path.ptr[route->path.len - 1] != '/') {
        redirect_to_directory(r, route);
        return;
    }
    route->kind = ROUTE_DIRECTORY;
    route->status = 200;
    route->tree = found->tree;
    route->directory = found->directory;
}

// What the request's path leads to, or the path that stands in for it.
static void find_requested(const struct route_query *q, struct route *route, struct resource *ret)
{
    const struct rule_use *rewrite = &route->ruling.rewrite;
    if (route->ruling.tries.rule) {
        find_tries(q, route, ret);
    } else if (rewrite->rule) {
        const struct target target = {ROUTE_FOR_REWRITE, rewrite->rule->rewrite,
                                      &rewrite->captures};
        find_target(q, route, &target, ret);
    } else {
        struct route_look look = {.path = route->path, .hidden = route->hidden};
        find(q, route, &look, ret);
    }
}

void route_resolve(const struct route_query *q, const struct request *r, struct route *route)
{
    struct resource found;
    find_requested(q, route, &found);
    if (route->ruling.fallback && found.kind == RESOURCE_STATUS && found.status == 404)
        find_fallback(q, r, route, &found);

    switch (found.kind) {
    case RESOURCE_FILE:
        take_file(q, r, route, found.file);
        break;
    case RESOURCE_REDIRECT:
        redirect_to_directory(r, route);
        break;
    case RESOURCE_DIRECTORY:
        take_directory(r, route, &found);
        break;
    case RESOURCE_STATUS:
        stop(route, found.status);
        break;
    }
}

struct cached_file *route_error_page(const struct route_query *q, struct route *route, int status)
{
    static const struct glob_match none;
    struct slice page = rules_error_page(&route->ruling, status);
    struct resource found;
    const struct target target = {ROUTE_FOR_ERROR_PAGE, page, &none};
    if (page.len == 0)
        return NULL;
    find_target(q, route, &target, &found);
    if (found.kind != RESOURCE_FILE)
        return NULL;
    route->ruling.type = no_type;
    add_rules_of(route, found.file);
    return found.file;
}
