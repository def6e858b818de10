// From the decoded path of a request to what is there: a file, a directory, nothing.
//
// Knows mounts, index files and what an errno means to a client. Does not know methods, rules or
// conditions.
#pragma once

#include "content/filecache.h"

enum resource_kind {
    RESOURCE_FILE,      // `file`, a reference that the caller gives back
    RESOURCE_REDIRECT,  // a directory that was asked for without a slash at the end
    RESOURCE_DIRECTORY, // a directory without an index, which may be listed
    RESOURCE_NONE       // `reason` says why
};

struct resource {
    enum resource_kind kind;
    enum reason reason; // NONE
    struct cached_file *file;
    const struct tree *tree; // DIRECTORY
    struct slice directory;  // DIRECTORY: in the tree
};

static inline void resource_set_none(struct resource *r, enum reason reason)
{
    *r = (struct resource){.kind = RESOURCE_NONE, .reason = reason};
}

// Where and when to look.
struct resource_query {
    struct filecache *cache;
    const struct site *site;
    struct file_moment moment;
    enum symlinks links;
    bool listing; // whether directories may be listed
    const struct conf_strings *index;
    const char *charset; // NULL: the site's
    enum conf_etag etag; // CONF_ETAG_UNSET: the site's
    enum coding stored;  // in which files are, by a rule
};

// `path` is decoded and normalised (http/urlpath.h): relative to the site, "" or with a slash at
// the end for a directory.
void resource_find(const struct resource_query *q, struct slice path, struct resource *ret);

// Codings, the best one first.
struct resource_codings {
    enum coding items[CODING_COUNT];
    size_t count;
};

// Whether the request is for a part of the file itself, whatever codings it accepts: it has Range,
// and no If-Range, or one with the file's tag. Clients that decode what they get count the bytes of
// the file, and their Range with a variant's bytes would leave a file that is no longer whole; one
// that goes on with a variant says so by If-Range. A date there is of the file and of its variants,
// so it is taken for the one that the request would get whole.
bool resource_is_part_of_file(const struct request *r, const struct cached_file *file);

// The precompressed variant of a file that was found, in one of the codings that are offered and
// the request accepts; instead of the file when there is one that is not older and the request is
// not for a part of the file itself. True when the file has any variant, so that the answer depends
// on the request.
bool resource_find_variant(struct filecache *cache, const struct file_moment *moment,
                           const struct resource_codings *offered, const struct request *r,
                           struct cached_file **file);

// The reason that a negative errno of opening a file is: with 403, 404, 503 (no descriptors or
// memory), or 500 for a fault of the machine.
enum reason resource_reason(int error);
