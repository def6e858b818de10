// What answers a request: the site, what its rules say, and the file.
//
// In two steps: route_start() finds site and rules for any request, route_resolve() looks for the
// file that a GET or HEAD is answered with. Nothing is formatted here: server/answer.c does that,
// and `tined explain` shows it.
#pragma once

#include "base/network.h"
#include "server/resource.h"

#include <limits.h>

// Room for a path that can be opened, with each byte escaped, and for a target made of one.
#define ROUTE_PATH_MAX (3u * PATH_MAX)

enum route_kind {
    ROUTE_STATUS,   // no file: a redirect to `location`, or an error
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
    ROUTE_FOR_ERROR_PAGE
};

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
    struct file_moment moment;
    route_trace_cb *trace; // is told of each look, in order; or NULL
    void *trace_context;
};

struct route {
    enum route_kind kind;
    int status;              // before conditions and ranges are looked at; 0: not resolved yet
    const struct site *site; // NULL: none answers here
    struct slice path; // of the request, decoded; begins with '/'. Empty: it cannot be decoded
    bool hidden;       // a segment of it begins with a dot
    struct cached_file *file; // a reference that the caller gives back
    const struct tree *tree;
    struct slice directory;
    struct slice location;
    unsigned vary; // bits of enum route_vary
    struct ruling ruling;
    char path_text[ROUTE_PATH_MAX];
    char target_text[ROUTE_PATH_MAX];   // a template that was expanded, or the location
    char resolved_text[ROUTE_PATH_MAX]; // that one decoded
};

// The route of what is no request: no site, no rules.
void route_none(struct route *ret);

// Finds site, path and ruling. `status` is set when that decides the answer: the path is malformed,
// no site answers here, or a rule is final.
void route_start(const struct route_query *q, const struct request *r, struct route *ret);

// Finds the file, after route_start() left the status open.
void route_resolve(const struct route_query *q, const struct request *r, struct route *route);

// Whether a rule's fallback is for this request: a person follows a link or types an address,
// rather than a page asking for a part of it.
bool route_is_navigation(const struct request *r, struct slice path);

// Which links may be followed, and whether hidden names are shown, on this route.
enum rootfs_links route_links(const struct route *route);
bool route_shows_hidden(const struct route *route);

// The page that the site has for this error, as a reference that the caller gives back, with the
// rules of its path added to the ruling; NULL: it has none.
struct cached_file *route_error_page(const struct route_query *q, struct route *route, int status);
