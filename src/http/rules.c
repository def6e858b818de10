#include "http/rules.h"

#include "http/policy.h"

enum { REDIRECT_STATUS = 302 }; // when the rule says none

static bool matches_any(const struct slice *patterns, size_t count, struct slice path,
                        struct glob_match *ret, size_t *ret_at)
{
    size_t i = 0;
    while (i < count && !glob_match(patterns[i], path, ret))
        i++;
    *ret_at = i;
    return i < count;
}

// By the first pattern that matches, unless there is an exception.
bool rules_match(const struct rule *rule, struct slice path, struct glob_match *ret)
{
    struct glob_match unused;
    size_t at;
    return matches_any(rule->patterns, rule->pattern_count, path, ret, &at) &&
           !matches_any(rule->excepts, rule->except_count, path, &unused, &at);
}

struct slice rules_exception(const struct rule *rule, struct slice path)
{
    struct glob_match unused;
    size_t at;
    if (matches_any(rule->patterns, rule->pattern_count, path, &unused, &at) &&
        matches_any(rule->excepts, rule->except_count, path, &unused, &at))
        return rule->excepts[at];
    return (struct slice){NULL, 0};
}

static bool is_in(const struct rule_networks *networks, const struct network *client)
{
    for (size_t i = 0; i < networks->count; i++)
        if (network_has(&networks->items[i], client))
            return true;
    return false;
}

enum reason rules_refusal(const struct rule *rule, const struct network *client)
{
    if (is_in(&rule->deny, client))
        return REASON_RULE_DENY;
    if (rule->allow.count && !is_in(&rule->allow, client))
        return REASON_RULE_ALLOW;
    return REASON_NONE;
}

// X(setting, whether a rule says it): those that say as what the file is sent.
#define FILE_SETTINGS(X)           \
    X(type, rule->type.len)        \
    X(etag, rule->says.etag)       \
    X(codings, rule->says.codings) \
    X(charset, rule->says.charset) \
    X(stored, rule->says.stored)

static void take_file_settings(struct ruling *ruling, const struct rule *rule)
{
#define X(setting, says) \
    if (says)            \
        ruling->setting = rule;
    FILE_SETTINGS(X)
#undef X
}

static bool has_file_settings(const struct rule *rule)
{
#define X(setting, says) (says) ||
    return FILE_SETTINGS(X) false;
#undef X
}

void rules_forget_file(struct ruling *ruling)
{
#define X(setting, says) ruling->setting = NULL;
    FILE_SETTINGS(X)
#undef X
}

// For settings, which need no captures.
static void take_settings(struct ruling *ruling, const struct rule *rule)
{
    take_file_settings(ruling, rule);
    if (rule->says.index)
        ruling->index = rule;
    if (rule->cors)
        ruling->cors = rule;
    if (rule->fallback.len)
        ruling->fallback = rule;
    if (rule->listing)
        ruling->listing = rule;
    if (rule->dotfiles)
        ruling->dotfiles = rule;
    if (rule->links)
        ruling->links = rule;
}

static void take_uses(struct ruling *ruling, const struct rule *rule,
                      const struct glob_match *match)
{
    if (rules_status(rule))
        ruling->final = (struct rule_use){rule, *match};
    if (rule->rewrite.len || rule->try_count)
        ruling->lookup = (struct rule_use){rule, *match};
}

int rules_status(const struct rule *rule)
{
    return rule->redirect.len && !rule->status ? REDIRECT_STATUS : rule->status;
}

// The status is that of the last rule with a redirect or status.
static void set_status(struct ruling *ruling)
{
    const struct rule *rule = ruling->final.rule;
    if (!rule)
        return;
    ruling->status = rules_status(rule);
    if (ruling->status >= 400)
        ruling->reason = REASON_RULE_STATUS;
}

// A rule that does not let the client pass comes before all else, the first such rule.
static void refuse_client(struct ruling *ruling, const struct rule *rule, enum reason reason)
{
    ruling->reason = reason;
    ruling->status = reason_status(reason);
    ruling->final = (struct rule_use){.rule = rule};
}

// Captures are many, and written with the rule.
void rules_clear(struct ruling *ret)
{
    memset(ret, 0, offsetof(struct ruling, matched));
    ret->final.rule = ret->lookup.rule = NULL;
}

// A rule without one is for requests of any.
static bool has_scheme(const struct rule *rule, const struct ruling *ruling)
{
    return !rule->scheme || rule->scheme == ruling->scheme;
}

void rules_apply(const struct rule *rules, size_t count, struct slice path,
                 const struct network *client, struct ruling *ret)
{
    struct glob_match match;
    const struct rule *refusing = NULL;
    enum reason reason = REASON_NONE;
    rules_clear(ret);
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        if (!has_scheme(rule, ret) || !rules_match(rule, path, &match))
            continue;
        if (ret->matched)
            ret->matched[ret->matched_count++] = rule;
        take_settings(ret, rule);
        take_uses(ret, rule, &match);
        if (!refusing && (reason = rules_refusal(rule, client)))
            refusing = rule;
    }
    set_status(ret);
    if (refusing)
        refuse_client(ret, refusing, reason);
}

// Adds a rule at its place in the order in which they are written, which is not before *at, unless
// it is there; *at is that place then. All are of one array.
static void add_matched(struct ruling *ruling, const struct rule *rule, size_t *at)
{
    while (*at < ruling->matched_count && ruling->matched[*at] < rule)
        ++*at;
    if (*at < ruling->matched_count && ruling->matched[*at] == rule)
        return;
    memmove(&ruling->matched[*at + 1], &ruling->matched[*at],
            (ruling->matched_count - *at) * sizeof(*ruling->matched));
    ruling->matched[*at] = rule;
    ruling->matched_count++;
}

void rules_apply_to_file(const struct rule *rules, size_t count, struct slice path,
                         struct ruling *ruling)
{
    struct glob_match match;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        if ((rule->header_count == 0 && !has_file_settings(rule)) || !has_scheme(rule, ruling) ||
            !rules_match(rule, path, &match))
            continue;
        add_matched(ruling, rule, &at);
        take_file_settings(ruling, rule);
    }
}

bool rules_is_ok(int status)
{
    return status == 200 || status == 206 || status == 304;
}

// A position in the header actions of a ruling.
struct place {
    size_t rule, header;
};

static const struct rule_header *at(const struct ruling *ruling, struct place p)
{
    return &ruling->matched[p.rule]->headers[p.header];
}

// The next action for an answer that is `ok` or not; false: no more.
static bool next_action(const struct ruling *ruling, struct place *p, bool ok)
{
    for (p->header++; p->rule < ruling->matched_count; p->header++) {
        if (p->header >= ruling->matched[p->rule]->header_count) {
            p->rule++;
            p->header = SIZE_MAX; // the loop makes it 0
        } else if ((ok || !at(ruling, *p)->only_ok) &&
                   (!at(ruling, *p)->only_https || ruling->scheme == SCHEME_HTTPS)) {
            return true;
        }
    }
    return false;
}

// The later action that says something else about the field.
static const struct rule *overruler(const struct ruling *ruling, struct place p, bool ok)
{
    struct slice name = at(ruling, p)->name;
    while (next_action(ruling, &p, ok))
        if (at(ruling, p)->action != RULE_ADD && slice_equal_nocase(at(ruling, p)->name, name))
            return ruling->matched[p.rule];
    return NULL;
}

const struct rule *rules_overruled_by(const struct ruling *ruling, size_t rule, size_t header,
                                      int status)
{
    return overruler(ruling, (struct place){rule, header}, rules_is_ok(status));
}

void rules_put_headers(struct buf *b, const struct ruling *ruling, int status, struct slice but)
{
    bool ok = rules_is_ok(status);
    for (struct place p = {0, SIZE_MAX}; next_action(ruling, &p, ok);) {
        const struct rule_header *h = at(ruling, p);
        if (h->action == RULE_UNSET || (but.len && slice_equal_nocase(h->name, but)) ||
            overruler(ruling, p, ok))
            continue;
        buf_put(b, h->name);
        buf_put(b, SLICE(": "));
        buf_put(b, h->value);
        buf_put(b, SLICE("\r\n"));
    }
}

struct slice rules_directive(const struct ruling *ruling, struct slice name, int status)
{
    bool ok = rules_is_ok(status);
    struct slice found = slice_make(NULL, 0);
    for (struct place p = {0, SIZE_MAX}; !found.ptr && next_action(ruling, &p, ok);) {
        const struct rule_header *h = at(ruling, p);
        if (h->action != RULE_UNSET && slice_equal_nocase(h->name, POLICY_FIELD) &&
            !overruler(ruling, p, ok))
            found = policy_directive(h->value, name);
    }
    return found;
}

bool rules_say_header(const struct ruling *ruling, struct slice name, int status)
{
    for (struct place p = {0, SIZE_MAX}; next_action(ruling, &p, rules_is_ok(status));)
        if (slice_equal_nocase(at(ruling, p)->name, name))
            return true;
    return false;
}

static const struct rule_page *find_page(const struct rule *rule, int status)
{
    for (size_t i = 0; i < rule->page_count; i++)
        if (rule->pages[i].status == status)
            return &rule->pages[i];
    return NULL;
}

struct slice rules_error_page(const struct ruling *ruling, struct slice path, int status)
{
    struct glob_match unused;
    for (size_t i = ruling->matched_count; i-- > 0;) {
        const struct rule_page *page = find_page(ruling->matched[i], status);
        if (page && rules_match(ruling->matched[i], path, &unused))
            return page->path;
    }
    return (struct slice){NULL, 0};
}
