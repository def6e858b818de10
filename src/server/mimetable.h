// The table of media types that workers use: a file in the format of /etc/mime.types, read once by
// the master, over the core that is built in (http/mime.h).
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
void mimetable_cleanup(struct mimetable *t);

// The whole Content-Type value for a file name, with charset where it belongs, in `b`.
void mimetable_type(const struct mimetable *t, struct slice name, struct buf *b);
