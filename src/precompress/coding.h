// The content codings that siblings are made in (RFC 9110 section 8.4.1), a row each: gzip, br
// (RFC 7932), zstd (RFC 8878). Only those that this build has a library for.
//
// What comes out depends on what goes in alone: no time, no name, no number of threads. The levels
// are the highest that every client can read, for a file is compressed once and sent often.
// Compressing is a stream: the memory needed is bounded whatever the size (measured for the largest
// windows: gzip 0.3M, br 90M, zstd 95M). Safe to use from several threads.
#pragma once

#include "base/slice.h"

#include <stdint.h>
#include <sys/types.h>

// Where content comes from and goes to. Both return a negative errno to give up.
struct coding_io {
    ssize_t (*read)(void *context, void *data, size_t size); // bytes read; 0 at the end
    int (*write)(void *context, const void *data, size_t len);
    void *context;
};

struct coding {
    const char *name;   // in Accept-Encoding and in the option `precompressed`
    const char *suffix; // of the sibling, e.g. ".gz"
    // Compresses all that can be read, which is exactly `size` bytes. 0; -ENOMEM; or what a
    // function of `io` returned.
    int (*compress)(const struct coding_io *io, uint64_t size);
};

// All of this build, in the order in which a server prefers them.
const struct coding *coding_all(size_t *ret_count);

// The one of this name; NULL: there is none, or this build was made without it.
const struct coding *coding_find(struct slice name);

// The coding whose suffix `name` ends in, NULL: none.
const struct coding *coding_of_sibling(struct slice name);
