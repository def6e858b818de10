// A compressor for each content coding that siblings are made in (http/encoding.h): zstd (RFC
// 8878), br (RFC 7932), gzip (RFC 1952). Only those that this build has a library for.
//
// The output depends on the input alone: no time, no name, no number of threads. The levels
// are the highest that every client can read, for a file is compressed once and sent often.
// Compressing is a stream: the memory needed is bounded whatever the size (measured for the largest
// windows: gzip 0.3M, br 90M, zstd 95M). Safe to use from several threads.
#pragma once

#include "http/encoding.h"

#include <stdint.h>
#include <sys/types.h>

// Where content comes from and goes to. Both return a negative errno to give up.
struct compressor_io {
    ssize_t (*read)(void *context, void *data, size_t size); // bytes read; 0 at the end
    int (*write)(void *context, const void *data, size_t len);
    void *context;
};

struct compressor {
    enum coding coding;
    // Compresses all that can be read, which is exactly `size` bytes. 0; -ENOMEM; or what a
    // function of `io` returned.
    int (*compress)(const struct compressor_io *io, uint64_t size);
};

// All of this build, in the order in which a server prefers them.
const struct compressor *compressor_all(size_t *ret_count);

// The one for the coding of this name; NULL: there is none, or this build was made without it.
const struct compressor *compressor_find(struct slice name);

// The one whose siblings end as `name` does, NULL: none.
const struct compressor *compressor_of_sibling(struct slice name);

// The name of its coding, and the suffix of its siblings (".gz"). Static.
const char *compressor_name(const struct compressor *c);
const char *compressor_suffix(const struct compressor *c);
