// From the decoded path of a request to what is there: a file, a directory, nothing.
//
// Knows mounts, index files and what an errno means to a client. Does not know methods, rules or
// conditions.
#pragma once

#include "server/filecache.h"

enum resource_kind {
    RESOURCE_FILE,      // `file`, a reference that the caller gives back
    RESOURCE_REDIRECT,  // a directory that was asked for without a slash at the end
    RESOURCE_DIRECTORY, // a directory without an index, which may be listed
    RESOURCE_STATUS     // none: `status` says why
};

struct resource {
    enum resource_kind kind;
    int status;
    struct cached_file *file;
    const struct tree *tree; // DIRECTORY
    struct slice directory;  // DIRECTORY: in the tree
};

// Where and when to look.
struct resource_query {
    struct filecache *cache;
    const struct site *site;
    struct file_moment moment;
    enum rootfs_links links;
    bool listing; // whether directories may be listed
};

// `path` is decoded and normalised (http/urlpath.h): relative to the site, "" or with a slash at
// the end for a directory.
void resource_find(const struct resource_query *q, struct slice path, struct resource *ret);

// The precompressed variant of a file that was found, in one of the codings that the request
// accepts; instead of the file when there is one that is not older. True when the file has any
// variant, so that the answer depends on the request.
bool resource_find_variant(const struct resource_query *q, const struct request *r,
                           struct cached_file **file);

// The status for a negative errno of opening a file: 403, 404, 503 (no descriptors or memory), or
// 500 for what is the machine's fault.
int resource_status(int error);
