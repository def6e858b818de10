#include "explain/explain_rules.h"

#include "base/util.h"
#include "explain/explain_text.h"
#include "http/policy.h"

#include <inttypes.h>
#include <stdio.h>

// "FILE:LINE" of a rule of the route's site. Returns `text`.
static const char *rule_origin(const struct route *route, const struct rule *rule,
                               char text[static CONF_ORIGIN_MAX])
{
    return conf_origin_format(ruleset_conf(&route->site->rules, rule)->origin, text);
}

// Room for an origin and a few words.
#define NOTE_MAX (CONF_ORIGIN_MAX + 64)

// Which rule has the last word.
static const char *note_overruled(const struct explain_rules *e, const struct rule *by,
                                  char note[static NOTE_MAX])
{
    char where[CONF_ORIGIN_MAX];
    snprintf(note, NOTE_MAX, " (overruled by %s)", rule_origin(e->route, by, where));
    return note;
}

// ---- header fields -----------------------------------------------------------------------------

// The policy that a rule sets; empty: none.
static struct slice policy_of(const struct rule *rule)
{
    struct slice policy = slice_make(NULL, 0);
    for (size_t i = 0; rule && i < rule->header_count; i++)
        if (rule->headers[i].action == RULE_SET &&
            slice_equal_nocase(rule->headers[i].name, POLICY_FIELD))
            policy = rule->headers[i].value;
    return policy;
}

// A policy that takes the place of another one as a whole may lose some of it.
static const char *note_lost(const struct rule_header *h, const struct rule *by,
                             char text[static NOTE_MAX])
{
    struct buf b = buf_make(text, NOTE_MAX - 1);
    struct slice policy = policy_of(by);
    if (slice_equal_nocase(h->name, POLICY_FIELD) && policy.len) {
        buf_puts(&b, ", which loses ");
        policy_put_lost(&b, h->value, policy);
    }
    text[b.len == strlen(", which loses ") ? 0 : b.len] = '\0';
    return text;
}

static void put_header_action(struct buf *b, const struct explain_rules *e, size_t rule,
                              size_t header)
{
    static const char *const verbs[] = {
#define X(id, verb) [RULE_##id] = verb,
        RULE_ACTION_TABLE(X)
#undef X
    };
    const struct ruling *ruling = &e->route->ruling;
    const struct rule_header *h = &ruling->matched[rule]->headers[header];
    const bool is_meant = !h->only_ok || rules_is_ok(e->status);
    const struct rule *by = is_meant ? rules_overruled_by(ruling, rule, header, e->status) : NULL;
    char note[NOTE_MAX] = "", lost[NOTE_MAX];
    if (!is_meant)
        snprintf(note, sizeof(note), " (not with status %d)", e->status);
    else if (by == ruling->matched[rule])
        snprintf(note, sizeof(note), " (overruled by the same rule)");
    else if (by)
        note_overruled(e, by, note);
    else if (e->has_policy && slice_equal_nocase(h->name, POLICY_FIELD))
        snprintf(note, sizeof(note),
                 " (only its frame-ancestors: the page has a policy of its own)");
    explain_text_line(b, "", "%s %.*s%s%.*s%s%s", verbs[h->action], SLICE_ARG(h->name),
                      h->action == RULE_UNSET ? "" : ": ", SLICE_ARG(h->value), note,
                      note_lost(h, by, lost));
}

// ---- what it does with the path ----------------------------------------------------------------

// Says why this rule's action does not count; `by` is the rule whose action does.
static const char *note_use(const struct explain_rules *e, const struct rule *rule,
                            const struct rule *by, char note[static NOTE_MAX])
{
    const struct ruling *ruling = &e->route->ruling;
    char where[CONF_ORIGIN_MAX];
    note[0] = '\0';
    if (e->route->mapped)
        snprintf(note, NOTE_MAX, " (not used: a line of redirects comes first)");
    else if (ruling->reason == REASON_RULE_DENY || ruling->reason == REASON_RULE_ALLOW)
        snprintf(note, NOTE_MAX, " (not used: the client is refused)");
    else if (ruling->final.rule && ruling->final.rule != by)
        snprintf(note, NOTE_MAX, " (not used: %s decides)",
                 rule_origin(e->route, ruling->final.rule, where));
    else if (by && by != rule)
        note_overruled(e, by, note);
    return note;
}

static void put_lookups(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    const struct ruling *ruling = &e->route->ruling;
    char note[NOTE_MAX], text[EXPLAIN_TEXT_LIST_MAX];
    note_use(e, rule, ruling->lookup.rule, note);
    if (rule->try_count)
        explain_text_line(b, "", "tries %s%s",
                          explain_text_list(&ruleset_conf(&e->route->site->rules, rule)->try, text),
                          note);
    if (rule->rewrite.len)
        explain_text_line(b, "", "rewrites to %.*s%s", SLICE_ARG(rule->rewrite), note);
    if (rule->fallback.len)
        explain_text_line(b, "", "falls back to %.*s%s", SLICE_ARG(rule->fallback),
                          note_use(e, rule, ruling->fallback, note));
}

// ---- settings ----------------------------------------------------------------------------------

static bool is_own(const struct explain_rules *e, const struct rule *rule)
{
    for (size_t i = 0; i < e->own_count; i++)
        if (e->own[i] == rule)
            return true;
    return false;
}

// The rule `by` decides about a setting of this one. The rules of the file's own path have no say.
static const char *note_last(const struct explain_rules *e, const struct rule *rule,
                             const struct rule *by, char note[static NOTE_MAX])
{
    note[0] = '\0';
    return by == rule ? note : note_overruled(e, by, note);
}

// Options in place of the site's, as they are written.
static void put_written(struct buf *b, const char *name, const struct conf_strings *texts,
                        const char *note)
{
    char text[EXPLAIN_TEXT_LIST_MAX];
    explain_text_line(b, "", "%s = [ %s ]%s", name, explain_text_list(texts, text), note);
}

// Of the document that answers, which another one may have taken the place of.
static const char *note_document(const struct explain_rules *e, const struct rule *rule,
                                 const struct rule *by, char note[static NOTE_MAX])
{
    return by ? note_last(e, rule, by, note) : " (not to the page that stands in)";
}

static void put_file_settings(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    static const char *const etags[] = {"", "file", "shared", "digest", "off"};
    const struct conf_rule *conf = ruleset_conf(&e->route->site->rules, rule);
    const struct ruling *ruling = &e->route->ruling;
    char note[NOTE_MAX];
    if (rule->type.len)
        explain_text_line(b, "", "gives it the type %.*s%s", SLICE_ARG(rule->type),
                          note_document(e, rule, ruling->type, note));
    if (rule->says.etag)
        explain_text_line(b, "", "etag = \"%s\"%s", etags[conf->etag],
                          note_document(e, rule, ruling->etag, note));
    if (rule->says.charset)
        explain_text_line(b, "", "charset = \"%s\"%s", conf->charset,
                          note_document(e, rule, ruling->charset, note));
    if (rule->says.stored)
        explain_text_line(b, "", "content_encoding = \"%.*s\"%s",
                          SLICE_ARG(encoding_name(conf->content_encoding)),
                          note_document(e, rule, ruling->stored, note));
    if (rule->says.codings)
        put_written(b, "precompressed", &conf->precompressed,
                    note_document(e, rule, ruling->codings, note));
}

static bool has_page(const struct rule *rule, int status)
{
    for (size_t i = 0; i < rule->page_count; i++)
        if (rule->pages[i].status == status)
            return true;
    return false;
}

// The last rule of the request's path with a page for the status counts.
static const char *note_page(const struct explain_rules *e, const struct rule *rule,
                             char note[static NOTE_MAX])
{
    size_t i = e->own_count;
    while (i && !has_page(e->own[i - 1], e->status))
        i--;
    return note_last(e, rule, i ? e->own[i - 1] : rule, note);
}

static void put_settings(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    static const char *const switches[] = {"", "false", "true"};
    static const char *const links[] = {"", "beneath", "none", "any"};
    const struct ruling *ruling = &e->route->ruling;
    char note[NOTE_MAX];
    if (rule->cors)
        explain_text_line(b, "", "says which origins may read it (CORS)%s",
                          note_last(e, rule, ruling->cors, note));
    if (rule->listing)
        explain_text_line(b, "", "listing = %s%s", switches[rule->listing],
                          note_last(e, rule, ruling->listing, note));
    if (rule->dotfiles)
        explain_text_line(b, "", "dotfiles = %s%s", switches[rule->dotfiles],
                          note_last(e, rule, ruling->dotfiles, note));
    if (rule->says.index)
        put_written(b, "index", &ruleset_conf(&e->route->site->rules, rule)->index,
                    note_last(e, rule, ruling->index, note));
    if (rule->links)
        explain_text_line(b, "", "symlinks = \"%s\"%s", links[rule->links],
                          note_last(e, rule, ruling->links, note));
    for (size_t i = 0; i < rule->page_count; i++)
        if (rule->pages[i].status == e->status)
            explain_text_line(b, "", "has the error page %.*s%s", SLICE_ARG(rule->pages[i].path),
                              note_page(e, rule, note));
}

// ---- rules -------------------------------------------------------------------------------------

// Whether it lets the client pass, if it asks who that is.
static void put_access(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    if (!rule->allow.count && !rule->deny.count)
        return;
    switch (rules_refusal(rule, &e->network)) {
    case REASON_RULE_DENY:
        explain_text_line(b, "", "refuses the client %s, which is in its deny", e->client);
        break;
    case REASON_RULE_ALLOW:
        explain_text_line(b, "", "refuses the client %s, which is not in its allow", e->client);
        break;
    default:
        explain_text_line(b, "", "lets the client %s in", e->client);
    }
}

// A redirect or a status.
static void put_final(struct buf *b, const struct explain_rules *e, const struct rule *rule)
{
    const struct ruling *ruling = &e->route->ruling;
    bool counts = ruling->final.rule == rule && e->route->location.len && !e->route->mapped;
    struct slice target = counts ? e->route->location : rule->redirect;
    char note[NOTE_MAX], retry[64] = "";
    note_use(e, rule, ruling->final.rule, note);
    if (rule->retry_after)
        snprintf(retry, sizeof(retry), ", to be asked again after %" PRIu32 " s",
                 rule->retry_after);
    if (rule->redirect.len)
        explain_text_line(b, "", "redirects to %.*s with %d%s", SLICE_ARG(target),
                          rules_status(rule), note);
    else if (rule->status)
        explain_text_line(b, "", "answers with %d%s%s", rule->status, retry, note);
}

static void put_rule(struct buf *b, const struct explain_rules *e, size_t at)
{
    const struct ruling *ruling = &e->route->ruling;
    const struct rule *rule = ruling->matched[at];
    bool own = is_own(e, rule);
    char where[CONF_ORIGIN_MAX], text[EXPLAIN_TEXT_LIST_MAX];
    explain_text_line(b, "rule", "%s  %s%s", rule_origin(e->route, rule, where),
                      explain_text_list(&ruleset_conf(&e->route->site->rules, rule)->match, text),
                      own ? "" : "  (by the path of the file)");
    if (own)
        put_access(b, e, rule);
    for (size_t i = 0; i < rule->header_count; i++)
        put_header_action(b, e, at, i);
    put_file_settings(b, e, rule);
    if (own) {
        put_final(b, e, rule);
        put_lookups(b, e, rule);
        put_settings(b, e, rule);
    }
}

// The line of the file of redirects that counts.
static void put_mapped(struct buf *b, const struct route *route)
{
    const struct redirectmap_entry *entry = route->mapped;
    explain_text_line(b, "redirects", "%s:%u  %.*s", route->site->conf->redirects, entry->number,
                      SLICE_ARG(entry->line.path));
    if (entry->line.status == 200)
        explain_text_line(b, "", "is answered with %.*s", SLICE_ARG(route->mapped_path));
    else
        explain_text_line(b, "", "redirects to %.*s with %d", SLICE_ARG(route->location),
                          entry->line.status);
}

// The rules that would match but for an exception.
static void put_exceptions(struct buf *b, const struct explain_rules *e)
{
    const struct ruleset *rules = &e->route->site->rules;
    char where[CONF_ORIGIN_MAX], text[EXPLAIN_TEXT_LIST_MAX];
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        struct slice exception = rules_exception(rule, e->route->path);
        if (exception.ptr)
            explain_text_line(
                b, "rule", "%s  %s  (not here: except %.*s)", rule_origin(e->route, rule, where),
                explain_text_list(&ruleset_conf(rules, rule)->match, text), SLICE_ARG(exception));
    }
}

void explain_rules_put(struct buf *b, const struct explain_rules *e)
{
    const struct ruling *ruling = &e->route->ruling;
    size_t count = e->route->site->rules.count;
    if (e->route->mapped)
        put_mapped(b, e->route);
    for (size_t i = 0; i < ruling->matched_count; i++)
        put_rule(b, e, i);
    put_exceptions(b, e);
    if (ruling->matched_count == 0)
        explain_text_line(b, "rule", count ? "none of %zu matches" : "the site has none", count);
}
