#include "conf/conf_crosscheck.h"

#include "conf/conf.h"
#include "base/buf.h"
#include "base/util.h"
#include "http/glob.h"
#include "http/statuses.h"
#include "http/template.h"

#include <inttypes.h>

#define WATCHDOG_MIN 3000 // ms

// ---- sites -------------------------------------------------------------------------------------

static bool has_string(const struct conf_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->items[i], text) == 0)
            return true;
    return false;
}

// Whether a request could be for either of them: a site without addresses has all.
static bool share_an_address(const struct conf_site *a, const struct conf_site *b)
{
    if (a->listen.count == 0 || b->listen.count == 0)
        return true;
    for (size_t i = 0; i < a->listen.count; i++)
        if (has_string(&b->listen, a->listen.items[i]))
            return true;
    return false;
}

static void check_names_differ(struct conf_build *b, const struct conf_site *site,
                               const struct conf_site *earlier, size_t name)
{
    char where[CONF_ORIGIN_MAX];
    const char *text = site->names.items[name];
    // Of the site itself only the names before this one.
    size_t count = site == earlier ? name : earlier->names.count;
    for (size_t i = 0; i < count; i++) {
        if (!slice_equal_nocase(slice_of(text), slice_of(earlier->names.items[i])))
            continue;
        if (site == earlier)
            conf_build_error(b, site->origin, "this site has the name \"%s\" twice; remove one",
                             text);
        else
            conf_build_error(b, site->origin,
                             "the site at %s has the name \"%s\" too; a name belongs to one site",
                             conf_origin_format(earlier->origin, where), text);
        return;
    }
}

// Names that were refused are not missing.
static bool is_nameless(const struct conf_build *b, size_t site)
{
    const struct conf_option *names = conf_options_find(SLICE("sites.names"));
    return b->conf->sites[site].names.count == 0 &&
           !(b->failed && conf_store_origin(b->conf, names, site)->file);
}

static void check_one_is_nameless(struct conf_build *b, size_t site)
{
    char where[CONF_ORIGIN_MAX];
    const struct conf_site *sites = b->conf->sites;
    for (size_t i = 0; i < site && is_nameless(b, site); i++) {
        if (!is_nameless(b, i) || !share_an_address(&sites[i], &sites[site]))
            continue;
        conf_build_error(b, sites[site].origin,
                         "the site at %s has no \"names\" either; only one site can answer for all "
                         "other hosts",
                         conf_origin_format(sites[i].origin, where));
        return;
    }
}

static void check_names(struct conf_build *b, size_t site)
{
    const struct conf_site *sites = b->conf->sites;
    for (size_t name = 0; name < sites[site].names.count; name++)
        for (size_t i = 0; i <= site; i++)
            if (share_an_address(&sites[i], &sites[site]))
                check_names_differ(b, &sites[site], &sites[i], name);
    check_one_is_nameless(b, site);
}

static bool is_listened_on(const struct conf *c, const char *address)
{
    for (size_t i = 0; i < c->listen_count; i++)
        if (strcmp(c->listen[i].address, address) == 0)
            return true;
    return false;
}

static void refuse_address(struct conf_build *b, size_t site, const char *address)
{
    const struct conf_option *listen = conf_options_find(SLICE("sites.listen"));
    char text[512];
    struct buf known = buf_make(text, sizeof(text));
    for (size_t i = 0; i < b->conf->listen_count; i++)
        buf_printf(&known, "%s\"%s\"", i ? ", " : "", b->conf->listen[i].address);
    conf_build_error(b, *conf_store_origin(b->conf, listen, site),
                     "\"sites.listen\" names \"%s\", on which nothing listens; the list \"listen\" "
                     "has %.*s",
                     address, SLICE_ARG(buf_slice(&known)));
}

static void check_listen(struct conf_build *b, size_t site)
{
    const struct conf_strings *listen = &b->conf->sites[site].listen;
    for (size_t i = 0; i < listen->count; i++)
        if (!is_listened_on(b->conf, listen->items[i]))
            refuse_address(b, site, listen->items[i]);
}

static void check_mounts(struct conf_build *b, const struct conf_site *site)
{
    char where[CONF_ORIGIN_MAX];
    const struct conf_mount *mounts = b->conf->mounts;
    size_t end = site->first_mount + site->mount_count;
    for (size_t i = site->first_mount; i < end; i++)
        for (size_t j = site->first_mount; j < i; j++)
            if (*mounts[i].path && strcmp(mounts[i].path, mounts[j].path) == 0)
                conf_build_error(b, mounts[i].origin,
                                 "the mount at %s has the path \"%s\" too; remove one",
                                 conf_origin_format(mounts[j].origin, where), mounts[i].path);
}

// ---- rules -------------------------------------------------------------------------------------

// Where an option of a rule is written; NULL: nowhere. One that was refused counts as written.
static const struct conf_origin *written(const struct conf_build *b, const char *path, size_t rule)
{
    const struct conf_option *option = conf_options_find(slice_of(path));
    const struct conf_origin *origin = conf_store_origin(b->conf, option, rule);
    return origin->file ? origin : NULL;
}

static bool is_final_status(uint64_t status)
{
    return status == 204 || status == 403 || status == 404 || status == 410 || status == 451 ||
           status == 503;
}

static void check_status(struct conf_build *b, size_t rule)
{
    const struct conf_origin *at = written(b, "sites.rules.status", rule);
    uint64_t status = b->conf->rules[rule].status;
    bool redirects = written(b, "sites.rules.redirect", rule);
    // 0: it was refused.
    if (!at || (b->failed && status == 0))
        return;
    if (redirects && !statuses_is_redirect((int)status))
        conf_build_error(b, *at,
                         "the status of a redirect is 301, 302, 303, 307 or 308; found %" PRIu64,
                         status);
    else if (!redirects && statuses_is_redirect((int)status))
        conf_build_error(b, *at,
                         "the status %" PRIu64 " needs a target; add e.g. redirect = \"/new/\";",
                         status);
    else if (!redirects && !is_final_status(status))
        conf_build_error(
            b, *at,
            "\"status\" is 204, 403, 404, 410, 451 or 503, or that of a redirect; found %" PRIu64,
            status);
}

static void check_retry_after(struct conf_build *b, size_t rule)
{
    const struct conf_origin *at = written(b, "sites.rules.retry_after", rule);
    if (at && b->conf->rules[rule].status != 503)
        conf_build_error(b, *at,
                         "\"sites.rules.retry_after\" does nothing by itself; add status = 503;");
}

// A setting that looks for a file has no effect in a rule that answers without one.
static void check_is_reached(struct conf_build *b, size_t rule)
{
    static const char *const lookups[] = {"sites.rules.rewrite", "sites.rules.try",
                                          "sites.rules.fallback"};
    const char *end = "redirect";
    const struct conf_origin *at = written(b, "sites.rules.redirect", rule);
    if (!at) {
        end = "status";
        at = written(b, "sites.rules.status", rule);
    }
    for (size_t i = 0; at && i < ARRAY_SIZE(lookups); i++) {
        const struct conf_origin *lookup = written(b, lookups[i], rule);
        if (lookup)
            conf_build_error(b, *lookup,
                             "\"%s\" is never reached, for \"%s\" ends the request; remove one of "
                             "them, or make two rules",
                             lookups[i], end);
    }
}

// Both say which file is meant.
static void check_one_lookup(struct conf_build *b, size_t rule)
{
    const struct conf_origin *at = written(b, "sites.rules.rewrite", rule);
    if (at && written(b, "sites.rules.try", rule))
        conf_build_error(b, *at,
                         "\"sites.rules.rewrite\" is never reached, for \"try\" says which file "
                         "is meant; remove one of them");
}

static void check_capture(struct conf_build *b, size_t rule, const char *path, const char *text)
{
    const struct conf_strings *match = &b->conf->rules[rule].match;
    const struct conf_origin *at = written(b, path, rule);
    unsigned last = template_last_capture(slice_of(text));
    for (size_t i = 0; at && i < match->count; i++) {
        size_t captures = glob_captures(slice_of(match->items[i]));
        if (last > captures)
            conf_build_error(
                b, *at,
                "\"%s\" has $%u, but the number of wildcards (*, ** and {}) in \"%s\" is %zu", text,
                last, match->items[i], captures);
    }
}

static void check_captures(struct conf_build *b, size_t rule)
{
    const struct conf_rule *r = &b->conf->rules[rule];
    check_capture(b, rule, "sites.rules.redirect", r->redirect);
    check_capture(b, rule, "sites.rules.rewrite", r->rewrite);
    for (size_t i = 0; i < r->try.count; i++)
        check_capture(b, rule, "sites.rules.try", r->try.items[i]);
}

// A host that nobody vouches for is not to be sent back.
static void check_host_variable(struct conf_build *b, size_t rule)
{
    const struct conf_rule *r = &b->conf->rules[rule];
    const struct conf_origin *at = written(b, "sites.rules.redirect", rule);
    if (at && template_has_host(slice_of(r->redirect)) && is_nameless(b, r->site))
        conf_build_error(b, *at,
                         "\"%s\" has $host, but the site has no \"names\", one of which the host "
                         "must be; add some, or write the host itself",
                         r->redirect);
}

static void check_credentials(struct conf_build *b, size_t rule)
{
    const struct conf_cors *cors = &b->conf->rules[rule].cors;
    const struct conf_origin *at = written(b, "sites.rules.cors.credentials", rule);
    if (at && cors->credentials && has_string(&cors->origins, "*"))
        conf_build_error(b, *at,
                         "browsers refuse credentials for the origin \"*\" (Fetch standard); name "
                         "the origins, or remove this");
}

// Whether the rule says an option whose path begins so, besides this one.
static bool has_other(const struct conf_build *b, const char *path, const char *beginning,
                      size_t rule)
{
    size_t count;
    const struct conf_option *all = conf_options_all(&count);
    for (size_t i = 0; i < count; i++)
        if (slice_starts_with(slice_of(all[i].path), slice_of(beginning)) &&
            strcmp(all[i].path, path) != 0 && conf_store_origin(b->conf, &all[i], rule)->file)
            return true;
    return false;
}

// Options that say more of others and do nothing without one of them.
static void check_company(struct conf_build *b, size_t rule)
{
    static const struct {
        const char *path;
        const char *others; // the beginning of their paths
        const char *remedy;
    } rows[] = {
        {"sites.rules.headers.only_ok", "sites.rules.headers.", "another option"},
        {"sites.rules.cors.headers", "sites.rules.cors.origins", "origins"},
        {"sites.rules.cors.expose", "sites.rules.cors.origins", "origins"},
        {"sites.rules.cors.max_age", "sites.rules.cors.origins", "origins"},
        {"sites.rules.cors.credentials", "sites.rules.cors.origins", "origins"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct conf_origin *at = written(b, rows[i].path, rule);
        if (at && !has_other(b, rows[i].path, rows[i].others, rule))
            conf_build_error(b, *at, "\"%s\" does nothing by itself; add %s to its group",
                             rows[i].path, rows[i].remedy);
    }
}

static void check_does_something(struct conf_build *b, size_t rule)
{
    size_t count;
    const struct conf_option *rows = conf_options_all(&count);
    const struct conf_strings *match = &b->conf->rules[rule].match;
    for (size_t i = 0; i < count; i++)
        if (rows[i].scope == CONF_RULES && rows[i].def &&
            strcmp(rows[i].path, "sites.rules.except") != 0 &&
            conf_store_origin(b->conf, &rows[i], rule)->file)
            return;
    conf_build_error(b, b->conf->rules[rule].origin,
                     "this rule does nothing; say what holds for \"%s\", or remove it",
                     match->count ? match->items[0] : "");
}

static void check_rule(struct conf_build *b, size_t rule)
{
    check_status(b, rule);
    check_retry_after(b, rule);
    check_is_reached(b, rule);
    check_one_lookup(b, rule);
    check_captures(b, rule);
    check_host_variable(b, rule);
    check_credentials(b, rule);
    check_company(b, rule);
}

// A loop that has nothing to do moves once a second, and is looked at as often.
static void check_watchdog(struct conf_build *b)
{
    const struct conf_origin *at = written(b, "timeouts.watchdog", 0);
    uint64_t limit = b->conf->timeouts.watchdog;
    if (at && limit && limit < WATCHDOG_MIN)
        conf_build_error(b, *at, "\"timeouts.watchdog\" must be 0 or at least 3s");
}

void conf_crosscheck(struct conf_build *b)
{
    const struct conf *c = b->conf;
    bool is_whole = !b->failed;
    check_watchdog(b);
    for (size_t i = 0; i < c->site_count; i++) {
        check_names(b, i);
        check_mounts(b, &c->sites[i]);
        if (is_whole)
            check_listen(b, i);
    }
    for (size_t i = 0; i < c->rule_count; i++) {
        check_rule(b, i);
        if (is_whole)
            check_does_something(b, i);
    }
}
