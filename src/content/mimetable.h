// The tables of media types that workers use. A site's own lines are asked first, then a file that
// the configuration names, then the core that is built in (http/mime_core.h), and last the system's
// file. The master reads the files, once.
#pragma once

#include "base/buf.h"
#include "http/mime.h"

struct mimetable {
    char *text; // the file; the entries point into it
    struct mime_entry *entries;
    size_t count;
    bool after_core; // the system's, which differs between hosts: asked when the core knows none
};

// Reads an open file, and closes it. 0 or a negative errno: -EINVAL: not a regular file, -EFBIG:
// beyond 4 MiB; of an `fd` that is none the errno that it is. An all-zero table is an empty one:
// the core suffices.
int mimetable_load(struct mimetable *t, int fd);

// A table of lines in the same format. 0 or -ENOMEM.
int mimetable_make(struct mimetable *t, char *const *lines, size_t count);

void mimetable_cleanup(struct mimetable *t);

// How a site names types.
struct mimetable_site {
    const struct mimetable *own;
    const struct mimetable *general; // and the core, before or after it
    struct slice unknown;            // the type when none knows; empty: none
    struct slice charset;            // of text; empty: none is said
};

// The whole Content-Type value for a file name, with charset where it belongs, in `b`.
void mimetable_type(const struct mimetable_site *s, struct slice name, struct buf *b);
