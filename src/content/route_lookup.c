#include "content/route_lookup.h"

#include "base/util.h"
#include "content/route_settings.h"
#include "http/template.h"
#include "http/urlpath.h"

enum reason route_lookup_decode(struct slice raw, char text[static ROUTE_PATH_MAX],
                                struct slice *ret, bool *ret_hidden)
{
    struct slice path;
    if (raw.len >= ROUTE_PATH_MAX)
        return REASON_PATH_LONG;
    enum reason reason = urlpath_decode(raw, text + 1, &path, ret_hidden);
    text[0] = '/';
    if (!reason)
        *ret = slice_make(text, path.len + 1);
    return reason;
}

static struct resource_query resources(const struct route_query *q, const struct route *route)
{
    return (struct resource_query){
        .cache = q->cache,
        .site = route->site,
        .moment = q->moment,
        .links = route_settings_links(route->site, &route->ruling),
        .listing = route_settings_lists(route->site, &route->ruling),
        .index = route_settings_index(route->site, &route->ruling),
        .charset = route_settings_charset(route->site, &route->ruling),
        .etag = route_settings_etag(route->site, &route->ruling),
        .stored = route_settings_stored(route->site, &route->ruling),
    };
}

static void trace(const struct route_query *q, const struct route_look *look)
{
    if (UNLIKELY(q->trace))
        q->trace(q->trace_context, look);
}

// Looks at a decoded path.
static void look_up_path(const struct route_query *q, const struct route *route,
                         struct route_look *look, struct resource *ret)
{
    const struct resource_query query = resources(q, route);
    look->hidden = look->hidden && !route_settings_shows_hidden(route->site, &route->ruling);
    if (look->hidden)
        resource_set_none(ret, REASON_HIDDEN);
    else
        resource_find(&query, slice_skip(look->path, 1), ret);
    look->found = ret;
    trace(q, look);
}

// Looks at a path as a request would write it.
static void find_written(const struct route_query *q, struct route *route,
                         enum route_purpose purpose, struct slice path, struct resource *ret)
{
    struct route_look look = {.purpose = purpose, .found = ret};
    enum reason reason = route_lookup_decode(path, route->resolved_text, &look.path, &look.hidden);
    // A capture may put dots into a rule's path: the pattern "/v**" matches "/v../x" as well, which
    // must not lead out of the directory that the rule names.
    if (!reason && urlpath_has_dot_segment(path))
        reason = REASON_RULE_PATH;
    if (reason) {
        look.path.len = 0;
        resource_set_none(ret, reason);
        trace(q, &look);
    } else {
        look_up_path(q, route, &look, ret);
    }
}

void route_lookup_target(const struct route_query *q, struct route *route,
                         const struct route_target *target, struct resource *ret)
{
    struct buf b = buf_make(route->target_text, sizeof(route->target_text));
    const struct template_values values = {.path = target->path, .captures = target->captures};
    template_put_path(&b, target->template, &values);
    if (b.overflow) {
        const struct route_look look = {.purpose = target->purpose, .found = ret};
        resource_set_none(ret, REASON_PATH_LONG);
        trace(q, &look);
    } else {
        find_written(q, route, target->purpose, buf_slice(&b), ret);
    }
}

// Whether it answers, or is refused: what is missing, or a directory that is not to be listed, is
// for the next candidate.
static bool is_decided(const struct resource *r)
{
    if (r->kind == RESOURCE_NONE)
        return reason_status(r->reason) != 404 && r->reason != REASON_DIRECTORY_UNLISTED;
    return r->kind != RESOURCE_REDIRECT;
}

// The first candidate that decides, for a path that the rule matches with these captures; else the
// first one that is anything.
static void find_candidate(const struct route_query *q, struct route *route, struct slice path,
                           const struct glob_match *captures, struct resource *ret)
{
    const struct rule *rule = route->ruling.lookup.rule;
    bool decided = false;
    resource_set_none(ret, REASON_FILE_NONE);
    for (size_t i = 0; i < rule->try_count && !decided; i++) {
        struct resource found;
        const struct route_target target = {ROUTE_FOR_TRY, rule->tries[i], path, captures};
        route_lookup_target(q, route, &target, &found);
        decided = is_decided(&found);
        if (decided || (ret->kind == RESOURCE_NONE && reason_status(ret->reason) == 404))
            *ret = found;
    }
}

bool route_lookup_has_slash(struct slice path)
{
    return path.ptr[path.len - 1] == '/';
}

// Whether it is a file right in the directory that `path` (without a slash at its end) names: links
// in it would lead beside that.
static bool lies_in(struct slice path, const struct resource *r)
{
    struct slice in_site = slice_skip(path, 1);
    if (r->kind != RESOURCE_FILE || route_lookup_has_slash(path))
        return false;
    struct slice prefix = r->file->key.tree->prefix, name = r->file->key.path;
    if (!slice_starts_with(in_site, prefix))
        return false;
    in_site = slice_skip(in_site, prefix.len);
    if (!slice_starts_with(name, in_site) || name.len <= in_site.len ||
        name.ptr[in_site.len] != '/')
        return false;
    return slice_find(slice_skip(name, in_site.len + 1), '/') < 0;
}

// Turns a file that was found into a redirect to another form of the address.
static void lead_to_slash(struct route *route, struct resource *r, enum route_slash slash)
{
    cached_file_release(r->file);
    *r = (struct resource){.kind = RESOURCE_REDIRECT};
    route->slash = slash;
}

// A page that was asked for with a slash too many is found without it.
static void find_without_slash(const struct route_query *q, struct route *route,
                               struct resource *ret)
{
    struct slice path = slice_make(route->path.ptr, route->path.len - 1);
    struct glob_match captures;
    struct resource found;
    if (!rules_match(route->ruling.lookup.rule, path, &captures))
        return;
    find_candidate(q, route, path, &captures, &found);
    if (found.kind == RESOURCE_FILE && !lies_in(path, &found)) {
        *ret = found;
        lead_to_slash(route, ret, ROUTE_SLASH_DROPPED);
    } else if (found.kind == RESOURCE_FILE) {
        cached_file_release(found.file);
    }
}

static void find_tries(const struct route_query *q, struct route *route, struct resource *ret)
{
    find_candidate(q, route, route->path, &route->ruling.lookup.captures, ret);
    if (lies_in(route->path, ret))
        lead_to_slash(route, ret, ROUTE_SLASH_ADDED);
    else if (ret->kind == RESOURCE_NONE && reason_status(ret->reason) == 404 &&
             route->path.len > 1 && route_lookup_has_slash(route->path))
        find_without_slash(q, route, ret);
}

void route_lookup_requested(const struct route_query *q, struct route *route, struct resource *ret)
{
    const struct rule_use *use = &route->ruling.lookup;
    if (route->mapped) {
        find_written(q, route, ROUTE_FOR_MAPPED, route->mapped_path, ret);
    } else if (!use->rule) {
        struct route_look look = {.path = route->path, .hidden = route->hidden};
        look_up_path(q, route, &look, ret);
    } else if (use->rule->try_count) {
        find_tries(q, route, ret);
    } else {
        const struct route_target target = {ROUTE_FOR_REWRITE, use->rule->rewrite, route->path,
                                            &use->captures};
        route_lookup_target(q, route, &target, ret);
    }
}
