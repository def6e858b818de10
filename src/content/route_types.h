// A route on its way: who asks for what, and what was found. content/route.h finds it;
// content/route_lookup.h looks for its file.
#pragma once

#include "base/network.h"
#include "content/resource.h"

#include <limits.h>

// Room for a path that can be opened, with each byte escaped, and for a target made of one.
#define ROUTE_PATH_MAX (3u * PATH_MAX)

enum route_kind {
    ROUTE_STATUS,   // no file: a redirect to `location`, or an error for a `reason`
    ROUTE_FILE,     // `file`
    ROUTE_DIRECTORY // `directory` in `tree`, which is to be listed
};

// X(id, name): what of a request an answer may depend on, besides its target.
#define ROUTE_VARY_TABLE(X)        \
    X(ENCODING, "Accept-Encoding") \
    X(ACCEPT, "Accept")            \
    X(ORIGIN, "Origin")            \
    X(FETCH, "Sec-Fetch-Mode")

enum route_vary_bit {
#define X(id, name) ROUTE_VARY_BIT_##id,
    ROUTE_VARY_TABLE(X)
#undef X
};

enum route_vary {
#define X(id, name) ROUTE_VARY_##id = 1 << ROUTE_VARY_BIT_##id,
    ROUTE_VARY_TABLE(X)
#undef X
};

// Why a path was looked at.
enum route_purpose {
    ROUTE_FOR_PATH, // that of the request
    ROUTE_FOR_REWRITE,
    ROUTE_FOR_TRY,
    ROUTE_FOR_FALLBACK,
    ROUTE_FOR_ERROR_PAGE,
    ROUTE_FOR_MAPPED // with 200 by the site's file of redirects
};

// The redirects to another form of the same address. A page may become a directory, and back.
enum route_slash { ROUTE_SLASH_KEPT, ROUTE_SLASH_ADDED, ROUTE_SLASH_DROPPED };

// One look for a file: at what, and what was there.
struct route_look {
    enum route_purpose purpose;
    struct slice path; // decoded; begins with '/'. Empty: it cannot be decoded
    bool hidden;       // a segment begins with a dot, and such names are not shown
    const struct resource *found;
};

typedef void route_trace_cb(void *context, const struct route_look *look);

struct route_query {
    const struct sites *sites;
    struct filecache *cache;
    size_t listener;
    struct network client;
    enum scheme scheme;
    struct file_moment moment;
    const struct rule **matched; // room for the route, sites_most_rules()
    route_trace_cb *trace;       // is told of each look, in order; or NULL
    void *trace_context;
};

struct route {
    enum route_kind kind;
    int status;              // before conditions and ranges are looked at; 0: not resolved yet
    enum reason reason;      // why the request is refused: also by them, or before it is routed
    const struct site *site; // NULL: none answers here
    struct slice path; // of the request, decoded; begins with '/'. Empty: it cannot be decoded
    bool hidden;       // a segment of it begins with a dot
    enum field_id condition;   // of the answer, as decision.by
    enum decision_range range; // what became of the request's ranges
    enum route_slash slash;    // of the address that `location` leads to
    bool has_policy;           // the answer is a page of the server's own, with a policy of its own
    bool no_fallback;          // a rule's fallback is not for this request
    struct cached_file *file;  // a reference that the caller gives back
    const struct tree *tree;
    struct slice directory;
    struct slice location;
    const struct redirectmap_entry *mapped; // a line of the site's file of redirects that counts
    struct slice mapped_path; // with status 200, in place of the request's; as in a request
    unsigned vary;            // bits of enum route_vary
    struct ruling ruling;     // with room of the query's
    char path_text[ROUTE_PATH_MAX];
    char target_text[ROUTE_PATH_MAX];   // a template that was expanded, or the location
    char resolved_text[ROUTE_PATH_MAX]; // that one decoded
};
