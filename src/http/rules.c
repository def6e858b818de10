#include "http/rules.h"

#include <assert.h>

enum { REDIRECT_STATUS = 302 }; // when the rule says none

static bool is_in(const struct network *networks, size_t count, const struct network *client)
{
    for (size_t i = 0; i < count; i++)
        if (network_has(&networks[i], client))
            return true;
    return false;
}

static bool is_refused(const struct rule *rule, const struct network *client)
{
    return is_in(rule->deny, rule->deny_count, client) ||
           (rule->allow_count && !is_in(rule->allow, rule->allow_count, client));
}

// The status with which the rule ends everything; 0: it does not.
static int final_status(const struct rule *rule, const struct network *client)
{
    if (is_refused(rule, client))
        return 403;
    if (rule->redirect.len && rule->status == 0)
        return REDIRECT_STATUS;
    return rule->status;
}

// Where the last word counts.
static void take_settings(struct ruling *ruling, const struct rule *rule)
{
    if (rule->type.len)
        ruling->type = rule->type;
    if (rule->cors)
        ruling->cors = rule->cors;
    if (rule->listing)
        ruling->listing = rule->listing;
    if (rule->dotfiles)
        ruling->dotfiles = rule->dotfiles;
    if (rule->links)
        ruling->links = rule->links;
}

// Where the first one counts.
static void take_uses(struct ruling *ruling, const struct rule *rule,
                      const struct glob_match *match)
{
    if (rule->rewrite.len && !ruling->rewrite.rule)
        ruling->rewrite = (struct rule_use){rule, *match};
    if (rule->try_count && !ruling->tries.rule)
        ruling->tries = (struct rule_use){rule, *match};
    if (rule->fallback.len && !ruling->fallback)
        ruling->fallback = rule;
}

void rules_apply(const struct rule *rules, size_t count, struct slice path,
                 const struct network *client, struct ruling *ret)
{
    struct glob_match match;
    assert(count <= RULES_MAX);
    memset(ret, 0, offsetof(struct ruling, matched));
    for (size_t i = 0; i < count && ret->status == 0; i++) {
        const struct rule *rule = &rules[i];
        if (!glob_match(rule->match, path, &match))
            continue;
        ret->matched[ret->matched_count++] = rule;
        take_settings(ret, rule);
        take_uses(ret, rule, &match);
        ret->status = final_status(rule, client);
        if (ret->status)
            ret->final = (struct rule_use){rule, match};
    }
}

static bool has_matched(const struct ruling *ruling, const struct rule *rule)
{
    for (size_t i = 0; i < ruling->matched_count; i++)
        if (ruling->matched[i] == rule)
            return true;
    return false;
}

// Adds a rule at its place in the order in which they are written; all are of one array.
static void add_matched(struct ruling *ruling, const struct rule *rule)
{
    size_t at = ruling->matched_count++;
    for (; at && ruling->matched[at - 1] > rule; at--)
        ruling->matched[at] = ruling->matched[at - 1];
    ruling->matched[at] = rule;
}

void rules_apply_to_file(const struct rule *rules, size_t count, struct slice path,
                         struct ruling *ruling)
{
    struct glob_match match;
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        if ((rule->header_count == 0 && rule->type.len == 0) ||
            !glob_match(rule->match, path, &match))
            continue;
        if (!has_matched(ruling, rule))
            add_matched(ruling, rule);
        if (rule->type.len)
            ruling->type = rule->type;
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
        } else if (ok || !at(ruling, *p)->only_ok) {
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

void rules_put_headers(struct buf *b, const struct ruling *ruling, int status)
{
    bool ok = rules_is_ok(status);
    for (struct place p = {0, SIZE_MAX}; next_action(ruling, &p, ok);) {
        const struct rule_header *h = at(ruling, p);
        if (h->action == RULE_UNSET || overruler(ruling, p, ok))
            continue;
        buf_put(b, h->name);
        buf_put(b, SLICE(": "));
        buf_put(b, h->value);
        buf_put(b, SLICE("\r\n"));
    }
}

struct slice rules_error_page(const struct ruling *ruling, int status)
{
    for (size_t i = ruling->matched_count; i-- > 0;)
        for (size_t j = 0; j < ruling->matched[i]->page_count; j++)
            if (ruling->matched[i]->pages[j].status == status)
                return ruling->matched[i]->pages[j].path;
    return (struct slice){NULL, 0};
}
