// A file that appears under its name only when it is whole: written as a hidden temporary beside it
// and renamed.
//
// The temporary's name begins with ".precompress-"; the server serves no hidden names. Nothing is
// forced to disk: what a crash takes is made again.
#pragma once

#include <stddef.h>

struct writer {
    int dir; // where; the caller's
    int fd;  // -1: closed
    char name[32];
};

// Makes the temporary in `dir`, readable by nobody else. 0 or a negative errno; then there is
// nothing to discard.
int writer_open(struct writer *w, int dir);

// Writes all. 0 or a negative errno.
int writer_write(struct writer *w, const void *data, size_t len);

// Gives it the owner, mode and modification time (to the nanosecond) of the open file `like`. A
// user that may not give files away keeps them: then the group gets no more rights than everybody.
// 0 or a negative errno.
int writer_dress(struct writer *w, int like);

// Puts it under its name, in place of what stands there. 0, or a negative errno after which the
// temporary is gone. The writer is closed in either case.
int writer_commit(struct writer *w, const char *name);

// Removes the temporary. Harmless on a writer that is closed.
void writer_discard(struct writer *w);
