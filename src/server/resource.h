// From the decoded path of a request to what is there: a file, a directory, nothing.
//
// Knows index files and what an errno means to a client. Does not know methods or conditions.
#pragma once

#include "server/filecache.h"

enum resource_kind {
    RESOURCE_FILE,     // `file`, a reference that the caller gives back
    RESOURCE_REDIRECT, // a directory that was asked for without a slash at the end
    RESOURCE_STATUS    // none: `status` says why
};

struct resource {
    enum resource_kind kind;
    struct cached_file *file;
    int status;
};

// Where and when to look.
struct resource_query {
    struct filecache *cache;
    const struct site *site;
    uint64_t round;
    int64_t wall_s;
};

// `path` is decoded and normalised (http/urlpath.h): relative, "" or with a slash at the end for a
// directory.
void resource_find(const struct resource_query *q, struct slice path, struct resource *ret);

// The status for a negative errno of opening a file: 403, 404, 503 (no descriptors or memory), or
// 500 for what is the machine's fault.
int resource_status(int error);
