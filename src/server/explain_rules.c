#include "server/explain_rules.h"

#include "base/util.h"
#include "server/report.h"

#include <stdio.h>

const char *explain_rules_origin(const struct route *route, const struct rule *rule,
                                 char text[static CONF_ORIGIN_MAX])
{
    const struct ruleset *rules = &route->site->rules;
    return conf_origin_format(rules->conf[rule - rules->rules].origin, text);
}

// Room for an origin and a few words.
#define NOTE_MAX (CONF_ORIGIN_MAX + 64)

// Which rule has the last word.
static const char *note_overruled(const struct explain_rules *e, const struct rule *by,
                                  char note[static NOTE_MAX])
{
    char where[CONF_ORIGIN_MAX];
    snprintf(note, NOTE_MAX, " (overruled by %s)", explain_rules_origin(e->route, by, where));
    return note;
}

// ---- header fields -----------------------------------------------------------------------------

static void put_header(struct buf *b, const struct explain_rules *e, size_t rule, size_t header)
{
    static const char *const verbs[] = {
        [RULE_SET] = "sets", [RULE_ADD] = "adds", [RULE_UNSET] = "takes away"};
    const struct ruling *ruling = &e->route->ruling;
    const struct rule_header *h = &ruling->matched[rule]->headers[header];
    const struct rule *by = rules_overruled_by(ruling, rule, header, e->status);
    char note[NOTE_MAX] = "";
    if (h->only_ok && !rules_is_ok(e->status))
        snprintf(note, sizeof(note), " (not with status %d)", e->status);
    else if (by == ruling->matched[rule])
        snprintf(note, sizeof(note), " (overruled by the same rule)");
    else if (by)
        note_overruled(e, by, note);
    report_line(b, "", "%s %.*s%s%.*s%s", verbs[h->action], SLICE_ARG(h->name),
                h->action == RULE_UNSET ? "" : ": ", SLICE_ARG(h->value), note);
}

// ---- what it does with the path ----------------------------------------------------------------

// Of what the first rule that says it decides.
static const char *note_first(const struct explain_rules *e, const struct rule *rule,
                              const struct rule *used, char note[static NOTE_MAX])
{
    char where[CONF_ORIGIN_MAX];
    note[0] = '\0';
    if (used && used != rule)
        snprintf(note, NOTE_MAX, " (not used: %s comes first)",
                 explain_rules_origin(e->route, used, where));
    return note;
}

static void put_tries(struct buf *b, const struct rule *rule, const char *note)
{
    char text[4096];
    struct buf paths = buf_make(text, sizeof(text));
    for (size_t i = 0; i < rule->try_count; i++)
        buf_printf(&paths, "%s%.*s", i ? ", " : "", SLICE_ARG(rule->tries[i]));
    report_line(b, "", "tries %.*s%s", SLICE_ARG(buf_slice(&paths)), note);
}

static void put_lookups(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    const struct ruling *ruling = &e->route->ruling;
    char note[NOTE_MAX];
    if (rule->try_count)
        put_tries(b, rule, note_first(e, rule, ruling->tries.rule, note));
    if (rule->rewrite.len) {
        note_first(e, rule, ruling->rewrite.rule, note);
        report_line(b, "", "rewrites to %.*s%s", SLICE_ARG(rule->rewrite),
                    ruling->tries.rule ? " (not used: the paths that are tried come first)" : note);
    }
    if (rule->fallback.len)
        report_line(b, "", "falls back to %.*s%s", SLICE_ARG(rule->fallback),
                    note_first(e, rule, ruling->fallback, note));
}

// ---- settings ----------------------------------------------------------------------------------

static bool is_own(const struct explain_rules *e, const struct rule *rule)
{
    for (size_t i = 0; i < e->own_count; i++)
        if (e->own[i] == rule)
            return true;
    return false;
}

// The last rule that says it decides. The rules of the file's own path have no say.
static const char *note_last(const struct explain_rules *e, const struct rule *rule,
                             bool (*has)(const struct rule *), char note[static NOTE_MAX])
{
    const struct rule *last = rule;
    note[0] = '\0';
    for (size_t i = 0; i < e->own_count; i++)
        if (has(e->own[i]))
            last = e->own[i];
    return last == rule ? note : note_overruled(e, last, note);
}

// A type is that of one document: another one, which stands in for it, has its own.
static const char *note_type(const struct explain_rules *e, const struct rule *rule,
                             char note[static NOTE_MAX])
{
    const struct ruling *ruling = &e->route->ruling;
    note[0] = '\0';
    if (ruling->type.ptr == rule->type.ptr)
        return note;
    for (size_t i = 0; i < ruling->matched_count; i++)
        if (ruling->matched[i]->type.ptr == ruling->type.ptr && ruling->type.len)
            return note_overruled(e, ruling->matched[i], note);
    return " (not to the page that stands in)";
}

static bool has_cors(const struct rule *rule)
{
    return rule->cors;
}

static bool has_listing(const struct rule *rule)
{
    return rule->listing;
}

static bool has_dotfiles(const struct rule *rule)
{
    return rule->dotfiles;
}

static bool has_links(const struct rule *rule)
{
    return rule->links;
}

static void put_settings(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    static const char *const switches[] = {"", "false", "true"};
    static const char *const links[] = {"", "beneath", "none", "any"};
    char note[NOTE_MAX];
    if (rule->cors)
        report_line(b, "", "says which origins may read it (CORS)%s",
                    note_last(e, rule, has_cors, note));
    if (rule->listing)
        report_line(b, "", "listing = %s%s", switches[rule->listing],
                    note_last(e, rule, has_listing, note));
    if (rule->dotfiles)
        report_line(b, "", "dotfiles = %s%s", switches[rule->dotfiles],
                    note_last(e, rule, has_dotfiles, note));
    if (rule->links)
        report_line(b, "", "symlinks = \"%s\"%s", links[rule->links],
                    note_last(e, rule, has_links, note));
    for (size_t i = 0; i < rule->page_count; i++)
        if (rule->pages[i].status == e->status)
            report_line(b, "", "has the error page %.*s", SLICE_ARG(rule->pages[i].path));
}

// ---- rules -------------------------------------------------------------------------------------

static bool is_denied(const struct explain_rules *e, const struct rule *rule)
{
    for (size_t i = 0; i < rule->deny_count; i++)
        if (network_has(&rule->deny[i], &e->network))
            return true;
    return false;
}

// The end: nothing behind this rule is looked at.
static void put_final(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    const struct ruling *ruling = &e->route->ruling;
    if (ruling->status >= 400 && rule->status != ruling->status)
        report_line(b, "", "refuses the client %s, which is %s", e->client,
                    is_denied(e, rule) ? "in its deny" : "not in its allow");
    else if (ruling->status >= 400)
        report_line(b, "", "answers with %d", ruling->status);
    else
        report_line(b, "", "redirects to %.*s with %d", SLICE_ARG(e->route->location),
                    ruling->status);
    report_line(b, "", "and ends the matching: no rule behind it counts");
}

static void put_rule(struct buf *b, const struct explain_rules *e, size_t at)
{
    const struct ruling *ruling = &e->route->ruling;
    const struct rule *rule = ruling->matched[at];
    bool own = is_own(e, rule);
    char where[CONF_ORIGIN_MAX];
    report_line(b, "rule", "%s  %.*s%s", explain_rules_origin(e->route, rule, where),
                SLICE_ARG(rule->match), own ? "" : "  (by the path of the file)");
    if (own && (rule->allow_count || rule->deny_count) && ruling->final.rule != rule)
        report_line(b, "", "lets the client %s in", e->client);
    for (size_t i = 0; i < rule->header_count; i++)
        put_header(b, e, at, i);
    if (rule->type.len)
        report_line(b, "", "gives it the type %.*s%s", SLICE_ARG(rule->type),
                    note_type(e, rule, (char[NOTE_MAX]){0}));
    if (own) {
        put_lookups(b, e, rule);
        put_settings(b, e, rule);
    }
    if (ruling->final.rule == rule)
        put_final(b, e, rule);
}

void explain_rules_put(struct buf *b, const struct explain_rules *e)
{
    const struct ruling *ruling = &e->route->ruling;
    size_t count = e->route->site->rules.count;
    for (size_t i = 0; i < ruling->matched_count; i++)
        put_rule(b, e, i);
    if (ruling->matched_count == 0)
        report_line(b, "rule", count ? "none of %zu matches" : "the site has none", count);
}
