// The tables of media types that workers use: a file in the format of /etc/mime.types, read once by
// the master, or lines of the configuration, over the core that is built in (http/mime.h).
#pragma once

#include "base/buf.h"
#include "http/mime.h"

struct mimetable {
    char *text; // the file; the entries point into it
    struct mime_entry *entries;
    size_t count;
};

// Reads `path`. 0 or a negative errno: -ENOENT, -EINVAL: not a regular file, -EFBIG: beyond 4 MiB.
// An all-zero table is an empty one: the core suffices.
int mimetable_load(struct mimetable *t, const char *path);

// A table of lines in the same format. 0 or -ENOMEM.
int mimetable_make(struct mimetable *t, char *const *lines, size_t count);

void mimetable_cleanup(struct mimetable *t);

// How a site names types.
struct mimetable_site {
    const struct mimetable *own, *general; // asked in this order, then the core
    struct slice unknown;                  // the type when none knows; empty: none
    struct slice charset;                  // of text; empty: none is said
};

// The whole Content-Type value for a file name, with charset where it belongs, in `b`.
void mimetable_type(const struct mimetable_site *s, struct slice name, struct buf *b);
