// The table of media types that a worker uses: a file in the format of /etc/mime.types, read once
// at start, over the core that is built in (http/mime.h).
#pragma once

#include "base/buf.h"
#include "http/mime.h"

struct mimetable {
    char *text; // the file; the entries point into it
    struct mime_entry *entries;
    size_t count;
};

// Reads `path`. Returns 0 with an empty table when the file does not exist: the core suffices.
// Other failures are a negative errno. Files beyond 4 MiB are refused (-EFBIG).
int mimetable_load(struct mimetable *t, const char *path);
void mimetable_cleanup(struct mimetable *t);

// The whole Content-Type value for a file name, with charset where it belongs, in `b`.
void mimetable_type(const struct mimetable *t, struct slice name, struct buf *b);
