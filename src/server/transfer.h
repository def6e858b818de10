// The content of an answer on its way to the client: a range of a file, or all that a source makes
// (content/body_source.h).
//
// It follows the answer's head and is kept by reference. A connection has one at most, from the
// decision until all is sent or given up. Sending it is for server/output.h.
#pragma once

#include "content/body_source.h"
#include "content/cached_file.h"
#include "http/range.h"
#include "server/bufpool.h"
#include "server/readahead.h"

struct transfer {
    struct cached_file *file; // or NULL
    uint64_t offset, end;     // of the file: what is left to be sent
    union {
        uint64_t loaded;        // up to here it is in memory, if it is read from a descriptor
        struct reading *window; // of a file far away: a part of it that was read, or NULL
    };
    struct reading *reading;    // what is being read from the disk for it, or NULL
    struct body_source *source; // makes what follows that range, or NULL
    struct block *record;       // facts for the access log's line of it, or NULL
    uint64_t length;            // of all content, as far as it is known, for that line
};

// So far ahead of a download it is seen whether the content is in memory, and what is not is read.
// Looking is a system call.
#define TRANSFER_LOOK_AHEAD (1u << 20)

// The content is a range of the file. Takes over the reference.
void transfer_file(struct transfer *t, struct cached_file *file, struct range range);

// The content is made by `source`, which may use ranges of the file (or NULL). Takes over both.
void transfer_generated(struct transfer *t, struct cached_file *file, struct body_source *source);

// All is sent, or given up: lets go of it.
void transfer_finish(struct transfer *t, struct bufpool *pool);

// Has the source make its next part, for all before it is sent: appends the text to `b` and sets
// the range that follows it, or that is to be fetched.
enum body_source_state transfer_next(struct transfer *t, struct buf *b);

// Has the range read that the source wants in memory (BODY_SOURCE_LOAD), and sends none of it.
// True: go on, without a thread for that as well; else t->reading says so, and `waiting` is told
// when it was read.
bool transfer_fetch(struct transfer *t, struct readahead *r, struct conn *waiting);

// Whether the next of the file is in memory. If not, it is being read, and t->reading says so;
// without a thread for that, sending it waits for the disk. `waiting` is told when it was read.
bool transfer_load(struct transfer *t, struct readahead *r, struct conn *waiting);

// The same of a file far away: sets the part of it that is there. 0; -EAGAIN: it is being read;
// -ENODATA: the file ends before, or cannot be read; -ENOMEM.
int transfer_load_far(struct transfer *t, struct readahead *r, struct conn *waiting,
                      struct slice *ret);

// It was read, and is taken over.
void transfer_take(struct transfer *t, struct reading *one);

// Whether there is content, or facts about content that was sent.
static inline bool transfer_is_active(const struct transfer *t)
{
    return t->file || t->source || t->record;
}

static inline uint64_t transfer_left(const struct transfer *t)
{
    return t->end - t->offset;
}

// Whether what is left is read by others only (struct cached_file, far).
static inline bool transfer_is_far(const struct transfer *t)
{
    return t->file && t->file->far;
}

// Whether what is left has to be read from a descriptor.
static inline bool transfer_is_in_file(const struct transfer *t)
{
    return t->file && !t->file->body && !t->file->far;
}

// The rest, of content that is in memory; else nothing.
static inline struct slice transfer_bytes(const struct transfer *t)
{
    if (!t->file || !t->file->body)
        return (struct slice){NULL, 0};
    return slice_make(t->file->body + t->offset, (size_t)transfer_left(t));
}

// `n` bytes of what was left are sent.
static inline void transfer_advance(struct transfer *t, size_t n)
{
    t->offset += n;
}
