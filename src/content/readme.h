// The README of a directory, whose text is shown below its listing.
//
// It is README, or else README.txt, and only if a request for it would be answered with this very
// file, as it is: what rules deny, redirect or replace stays out, and so does what is hidden.
#pragma once

#include "content/body_source.h"
#include "content/route.h"

// The most bytes of it that are shown.
#define README_MAX (64u << 10)

// Looks for the README of the route's directory, as a request on behalf of `r` would; *ret_name is
// its name. A reference that the caller gives back, or NULL: there is none, or no memory.
struct cached_file *readme_find(const struct route_query *q, const struct request *r,
                                const struct route *route, struct slice *ret_name);

// How much of a README is shown already.
struct readme {
    const struct cached_file *file;
    uint64_t at;
    bool loaded; // into memory, as far as that could be had
};

// Whether there is more of it than is shown.
bool readme_is_cut(const struct readme *m);

// Appends the next of its text as HTML to `b`, which has room for README_PIECE_MAX bytes. Returns
// MORE, END, or LOAD with the range that is wanted in memory. A file that has become shorter, or
// cannot be read, ends there.
#define README_PIECE_MAX (20u << 10)
enum body_source_state readme_next(struct readme *m, struct range *range, struct buf *b);
