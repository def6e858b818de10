#include "content/route.h"

#include "base/util.h"
#include "content/route_lookup.h"
#include "content/route_settings.h"
#include "http/accept.h"
#include "http/template.h"
#include "http/urlpath.h"

#include <assert.h>

// ---- the site and its rules --------------------------------------------------------------------

// Decodes the path of a request, at which a site may take escaped slashes for slashes.
static enum reason decode_request(const struct request *r, struct route *ret)
{
    struct slice raw = r->path;
    enum reason reason = REASON_NONE;
    if (ret->site && ret->site->conf->encoded_slash == ENCODED_SLASH_SLASH &&
        raw.len < ROUTE_PATH_MAX)
        reason = urlpath_unescape_slashes(raw, ret->resolved_text, &raw);
    return reason ? reason : route_lookup_decode(raw, ret->path_text, &ret->path, &ret->hidden);
}

static void stop(struct route *route, int status)
{
    route->kind = ROUTE_STATUS;
    route->status = status;
}

static void refuse_request(struct route *route, enum reason reason)
{
    stop(route, reason_status(reason));
    route->reason = reason;
}

// Redirects to the target in `b`, a buffer over target_text.
static void stop_with_target(struct route *route, const struct buf *b, int status)
{
    if (b->overflow) {
        refuse_request(route, REASON_REDIRECT_LONG);
        return;
    }
    route->location = buf_slice(b);
    stop(route, status);
}

static void redirect(struct route *route, const struct request *r)
{
    const struct rule_use *use = &route->ruling.final;
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    const struct template_values values = {route->path, &use->captures, r->host};
    if (template_has_host(use->rule->redirect) && !sites_has_name(route->site, r->host)) {
        refuse_request(route, REASON_REDIRECT_HOST);
        return;
    }
    template_put_redirect(&b, use->rule->redirect, &values, r->query);
    stop_with_target(route, &b, route->ruling.status);
}

// Takes what the site's file of redirects says of the path, in place of the rules; false: nothing.
static bool take_mapped(const struct request *r, struct route *route)
{
    struct redirectline_values values;
    struct buf room = buf_make(route->resolved_text, sizeof(route->resolved_text));
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    const struct redirectmap_entry *entry = redirectmap_find(&route->site->redirects, route->path,
                                                             r->query, &room, &values);
    if (!entry)
        return false;
    route->mapped = entry;
    redirectline_put_target(&b, &entry->line, &values, r->query);
    if (entry->line.status == 200 && !b.overflow)
        route->mapped_path = buf_slice(&b);
    else
        stop_with_target(route, &b, entry->line.status);
    return true;
}

// A client that may not gets no other answer. Then the redirects of the file, which are for single
// paths, come before what rules say of many.
static void take_ruling(const struct request *r, struct route *route)
{
    const struct ruling *ruling = &route->ruling;
    bool refused = ruling->reason == REASON_RULE_DENY || ruling->reason == REASON_RULE_ALLOW;
    if (!refused && route->site->redirects.count && take_mapped(r, route))
        return;
    route->reason = ruling->reason;
    if (ruling->status && !route->reason && ruling->final.rule->redirect.len)
        redirect(route, r);
    else if (ruling->status)
        stop(route, ruling->status);
}

// The texts and lists, which are long, are written before they are read.
static void clear(struct route *ret)
{
    memset(ret, 0, offsetof(struct route, ruling));
    ret->condition = FIELD_OTHER;
    ret->range = DECISION_RANGE_NONE;
}

void route_none(struct route *ret, enum reason reason)
{
    clear(ret);
    rules_clear(&ret->ruling);
    ret->reason = reason;
}

void route_start(const struct route_query *q, const struct request *r, struct route *ret)
{
    clear(ret);
    ret->ruling.matched = q->matched;
    ret->ruling.scheme = q->scheme;
    enum reason no_site = REASON_NONE;
    ret->site = sites_find(q->sites, q->listener, r->host, &no_site);
    if (r->path.len == 0) { // "*" names no path
        rules_clear(&ret->ruling);
        return;
    }
    enum reason reason = decode_request(r, ret);
    if (reason || !ret->site) {
        rules_clear(&ret->ruling);
        refuse_request(ret, reason ? reason : no_site);
        return;
    }
    const struct ruleset *rules = &ret->site->rules;
    rules_apply(rules->rules, rules->count, ret->path, &q->client, &ret->ruling);
    const struct cors *cors = rules_cors(&ret->ruling);
    if (cors && cors_varies(cors))
        ret->vary |= ROUTE_VARY_ORIGIN;
    take_ruling(r, ret);
}

// ---- the file ----------------------------------------------------------------------------------

static void find_fallback(const struct route_query *q, const struct request *r, struct route *route,
                          struct resource *ret)
{
    static const struct glob_match none;
    const struct route_target target = {ROUTE_FOR_FALLBACK, route->ruling.fallback->fallback,
                                        route->path, &none};
    route->vary |= ROUTE_VARY_ACCEPT | ROUTE_VARY_FETCH;
    route->no_fallback = !accept_is_navigation(r, route->path);
    if (route->no_fallback)
        return;
    rules_forget_file(&route->ruling);
    route_lookup_target(q, route, &target, ret);
}

// Describes the file as its own rules say, when that is otherwise than it was looked for.
static void describe_anew(const struct route_query *q, const struct route *route,
                          struct cached_file **file)
{
    struct file_key key = (*file)->key;
    struct cached_file *other;
    if (!route_settings_change(route->site, &route->ruling, &key) ||
        filecache_get(q->cache, &key, &q->moment, &other) < 0)
        return;
    cached_file_release(*file);
    *file = other;
}

// The rules of the file's own path, when it is not the one that was asked for.
static void add_rules_of(const struct route_query *q, struct route *route,
                         struct cached_file **file)
{
    const struct ruleset *rules = &route->site->rules;
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    if (rules->count == 0)
        return;
    buf_putc(&b, '/');
    buf_put(&b, (*file)->key.tree->prefix);
    buf_put(&b, (*file)->key.path);
    assert(!b.overflow);
    if (slice_equal(buf_slice(&b), route->path))
        return;
    rules_apply_to_file(rules->rules, rules->count, buf_slice(&b), &route->ruling);
    describe_anew(q, route, file);
}

static void take_file(const struct route_query *q, const struct request *r, struct route *route,
                      struct cached_file *file)
{
    struct resource_codings codings;
    add_rules_of(q, route, &file);
    codings.count = route_settings_codings(route->site, &route->ruling, codings.items);
    if (codings.count && resource_find_variant(q->cache, &q->moment, &codings, r, &file))
        route->vary |= ROUTE_VARY_ENCODING;
    route->kind = ROUTE_FILE;
    route->status = 200;
    route->file = file;
}

// Adds the slash that a directory's address ends in. One that has it already was led by a rule to a
// directory without: asking again would lead there again.
static void redirect_to_directory(const struct request *r, struct route *route)
{
    if (route_lookup_has_slash(route->path)) {
        refuse_request(route, REASON_RULE_DIRECTORY);
        return;
    }
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    urlpath_slash_redirect(&b, slice_skip(route->path, 1), r->query);
    route->slash = ROUTE_SLASH_ADDED;
    stop_with_target(route, &b, 301);
}

static void redirect_to_page(const struct request *r, struct route *route)
{
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    urlpath_unslash_redirect(&b, slice_skip(route->path, 1), r->query);
    stop_with_target(route, &b, 301);
}

// A rule may have led to a directory from a path without a slash at its end; then the links of the
// listing would lead beside it, and the rules of its entries would be asked for other paths.
static void take_directory(const struct request *r, struct route *route,
                           const struct resource *found)
{
    if (!route_lookup_has_slash(route->path)) {
        redirect_to_directory(r, route);
        return;
    }
    route->kind = ROUTE_DIRECTORY;
    route->status = 200;
    route->tree = found->tree;
    route->directory = found->directory;
}

void route_resolve(const struct route_query *q, const struct request *r, struct route *route)
{
    struct resource found;
    route_lookup_requested(q, route, &found);
    if (route->ruling.fallback && found.kind == RESOURCE_NONE && reason_status(found.reason) == 404)
        find_fallback(q, r, route, &found);

    switch (found.kind) {
    case RESOURCE_FILE:
        take_file(q, r, route, found.file);
        break;
    case RESOURCE_REDIRECT:
        if (route->slash == ROUTE_SLASH_DROPPED)
            redirect_to_page(r, route);
        else
            redirect_to_directory(r, route);
        break;
    case RESOURCE_DIRECTORY:
        take_directory(r, route, &found);
        break;
    case RESOURCE_NONE:
        refuse_request(route, found.reason);
        break;
    }
}

struct cached_file *route_error_page(const struct route_query *q, struct route *route, int status)
{
    static const struct glob_match none;
    struct slice page = rules_error_page(&route->ruling, route->path, status);
    struct resource found;
    const struct route_target target = {ROUTE_FOR_ERROR_PAGE, page, route->path, &none};
    if (page.len == 0)
        return NULL;
    rules_forget_file(&route->ruling);
    route_lookup_target(q, route, &target, &found);
    if (found.kind != RESOURCE_FILE)
        return NULL;
    add_rules_of(q, route, &found.file);
    return found.file;
}
