// Rules: what holds for the paths of a site that match (tined.conf(5), "Rules").
//
// Pure: rules and the path of a request in, a ruling out. All rules that match apply, in order,
// from the general to the special: of each action the last rule that has it counts, and header
// actions add up. Access is no choice: every rule that matches must let the client pass, before all
// else. Nothing here knows files: what a ruling says about them is for content/route.c to do.
#pragma once

#include "base/buf.h"
#include "base/modes.h"
#include "base/network.h"
#include "http/cors.h"
#include "http/glob.h"
#include "http/reason.h"

// X(id, verb): what a rule does with a header field; explain says it with the verb.
#define RULE_ACTION_TABLE(X) \
    X(SET, "sets")           \
    X(ADD, "adds")           \
    X(UNSET, "takes away")

enum rule_action {
#define X(id, verb) RULE_##id,
    RULE_ACTION_TABLE(X)
#undef X
};

struct rule_header {
    enum rule_action action;
    struct slice name;
    struct slice value; // of SET and ADD
    bool only_ok;       // on answers with status 200, 206 or 304 only
    bool only_https;    // where the scheme is https
};

struct rule_page {
    int status;
    struct slice path;
};

struct rule_networks {
    const struct network *items;
    size_t count;
};

// Of which settings a rule says something: what, is for the caller to know.
struct rule_says {
    bool index, etag, codings, charset, stored;
};

// A member that is empty, 0 or NULL is not set. The caller owns all of it, as long as a ruling.
struct rule {
    const struct slice *patterns; // one must match; checked by glob_check()
    size_t pattern_count;
    const struct slice *excepts; // none may match; checked likewise
    size_t except_count;
    enum scheme scheme; // by which the request must have come
    const struct rule_header *headers;
    size_t header_count;
    struct slice type;     // Content-Type
    struct slice redirect; // a template (http/template.h)
    int status;            // of the redirect, or of an answer without a file
    uint32_t retry_after;  // seconds; of the status 503
    struct rule_networks allow, deny;
    struct slice rewrite; // a template
    const struct slice *tries;
    size_t try_count; // templates
    struct slice fallback;
    const struct rule_page *pages;
    size_t page_count;
    const struct cors *cors;
    enum toggle listing, dotfiles;
    enum symlinks links;
    struct rule_says says;
};

// A rule that does something with the path, and what its pattern captured.
struct rule_use {
    const struct rule *rule; // NULL: there is none
    struct glob_match captures;
};

struct ruling {
    int status;         // 0: go on; else that of a rule: there is no file to look for
    enum reason reason; // for a status that refuses: which part of the rule does
    // For each setting the rule that decides it; NULL: none says anything.
    const struct rule *fallback, *type, *cors, *listing, *dotfiles, *links, *index;
    const struct rule *etag, *codings, *charset, *stored; // of the file, as the type
    size_t matched_count;                                 // the rules that apply, in order
    // Room of the caller for as many as there are rules, or NULL: they are not noted.
    const struct rule **matched;
    enum scheme scheme;     // by which the request came, as far as one knows; set before
    struct rule_use final;  // the rule that gave the status
    struct rule_use lookup; // whose `tries` or `rewrite` say which file is meant
};

// The settings: empty, NULL or UNSAID where no rule says anything.
static inline struct slice rules_type(const struct ruling *ruling)
{
    return ruling->type ? ruling->type->type : (struct slice){NULL, 0};
}

static inline const struct cors *rules_cors(const struct ruling *ruling)
{
    return ruling->cors ? ruling->cors->cors : NULL;
}

static inline enum toggle rules_listing(const struct ruling *ruling)
{
    return ruling->listing ? ruling->listing->listing : TOGGLE_UNSET;
}

static inline enum toggle rules_dotfiles(const struct ruling *ruling)
{
    return ruling->dotfiles ? ruling->dotfiles->dotfiles : TOGGLE_UNSET;
}

static inline enum symlinks rules_links(const struct ruling *ruling)
{
    return ruling->links ? ruling->links->links : SYMLINKS_UNSET;
}

// Whether the rule is for the path; then *ret holds the captures.
bool rules_match(const struct rule *rule, struct slice path, struct glob_match *ret);

// Whether rules say anything of this field for an answer of this status.
bool rules_say_header(const struct ruling *ruling, struct slice name, int status);

// The pattern with which the rule leaves out a path that it would match; ptr NULL: there is none.
struct slice rules_exception(const struct rule *rule, struct slice path);

// The ruling of no rules. ret->matched and ret->scheme are left alone.
void rules_clear(struct ruling *ret);

// `path` is decoded and begins with '/'. ret->matched and ret->scheme are set before.
void rules_apply(const struct rule *rules, size_t count, struct slice path,
                 const struct network *client, struct ruling *ret);

// The status of a rule's redirect or status; 0: it has neither.
int rules_status(const struct rule *rule);

// Why the rule does not let the client pass; REASON_NONE: it does.
enum reason rules_refusal(const struct rule *rule, const struct network *client);

// Another path takes part in the answer (an index file, a fallback, an error page): its rules add
// their header fields, each at its rule's place in the order, and their type, and nothing else.
void rules_apply_to_file(const struct rule *rules, size_t count, struct slice path,
                         struct ruling *ruling);

// Another document answers: what rules say of the file itself (its type, tag, codings, charset and
// coding) was for the one that was asked for.
void rules_forget_file(struct ruling *ruling);

// Appends the field lines for an answer of this status, but those of this name (empty: all).
void rules_put_headers(struct buf *b, const struct ruling *ruling, int status, struct slice but);

// The directive of this name in a Content-Security-Policy that rules set; ptr NULL: there is none.
struct slice rules_directive(const struct ruling *ruling, struct slice name, int status);

// The matching rule whose action takes the place of this header action (of rule matched[rule]) in
// an answer of this status; NULL: none does, it holds.
const struct rule *rules_overruled_by(const struct ruling *ruling, size_t rule, size_t header,
                                      int status);

// Whether a rule's fields that are marked so are for an answer of this status.
bool rules_is_ok(int status);

// The page of an error, by the last rule that has one and is for the path of the request, with
// which rules_apply() was called: rules of another file's path have no say. Empty: none.
struct slice rules_error_page(const struct ruling *ruling, struct slice path, int status);
