// Rules: what holds for the paths of a site that match (tined.conf(5), "Rules").
//
// Pure: rules and the path of a request in, a ruling out. All rules that match apply, in order.
// Header actions add up; the first final action (a redirect, a status, a refusal of the client)
// ends. Nothing here knows files: what a ruling says about them is for server/route.c to do.
#pragma once

#include "base/buf.h"
#include "base/network.h"
#include "http/cors.h"
#include "http/glob.h"

// The most rules of one site.
#define RULES_MAX 256

enum rule_action { RULE_SET, RULE_ADD, RULE_UNSET };

struct rule_header {
    enum rule_action action;
    struct slice name;
    struct slice value; // of SET and ADD
    bool only_ok;       // on answers with status 200, 206 or 304 only
};

struct rule_page {
    int status;
    struct slice path;
};

enum rule_switch { RULE_UNSAID, RULE_OFF, RULE_ON };
enum rule_links { RULE_LINKS_UNSAID, RULE_LINKS_BENEATH, RULE_LINKS_NONE, RULE_LINKS_ANY };

// What is empty, 0 or NULL is not said. All is the caller's, and lives as long as a ruling.
struct rule {
    struct slice match; // checked by glob_check()
    const struct rule_header *headers;
    size_t header_count;
    struct slice type;     // Content-Type
    struct slice redirect; // a template (http/template.h)
    int status;            // of the redirect, or of a refusal
    const struct network *allow, *deny;
    size_t allow_count, deny_count;
    struct slice rewrite; // a template
    const struct slice *tries;
    size_t try_count; // templates
    struct slice fallback;
    const struct rule_page *pages;
    size_t page_count;
    const struct cors *cors;
    enum rule_switch listing, dotfiles;
    enum rule_links links;
};

// A rule that does something with the path, and what its pattern captured.
struct rule_use {
    const struct rule *rule; // NULL: there is none
    struct glob_match captures;
};

struct ruling {
    int status;            // 0: go on; 403, 404, 410; or that of a redirect
    struct rule_use final; // what gave the status
    struct rule_use rewrite, tries;
    const struct rule *fallback;
    const struct cors *cors;
    struct slice type;
    enum rule_switch listing, dotfiles;
    enum rule_links links;
    size_t matched_count; // the rules that apply, in order
    const struct rule *matched[RULES_MAX];
};

// `path` is decoded and begins with '/'. `count` is at most RULES_MAX.
void rules_apply(const struct rule *rules, size_t count, struct slice path,
                 const struct network *client, struct ruling *ret);

// Another path takes part in the answer (an index file, a fallback, an error page): its rules add
// their header fields, each at its rule's place in the order, and their type, and nothing else.
void rules_apply_to_file(const struct rule *rules, size_t count, struct slice path,
                         struct ruling *ruling);

// Appends the field lines for an answer of this status.
void rules_put_headers(struct buf *b, const struct ruling *ruling, int status);

// The matching rule whose action takes the place of this header action (of rule matched[rule]) in
// an answer of this status; NULL: none does, it holds.
const struct rule *rules_overruled_by(const struct ruling *ruling, size_t rule, size_t header,
                                      int status);

// Whether a rule's fields that are marked so are for an answer of this status.
bool rules_is_ok(int status);

// The page of an error, by the last matching rule that has one; empty: none.
struct slice rules_error_page(const struct ruling *ruling, int status);
