// Included by every fuzzer: the entry point, and copies of inputs whose end a sanitizer guards.
//
// A fuzzer is one function with libFuzzer's signature and real assertions. Linked with replay.c it
// is a test that runs over its corpus.
#pragma once

#include "base/slice.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct slice fuzz_slice(const uint8_t *data, size_t size)
{
    return slice_make((const char *)data, size);
}

// A copy in a block of exactly its length; free() its pointer.
static inline char *fuzz_copy(struct slice s)
{
    char *copy = malloc(s.len ? s.len : 1);
    assert(copy);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

// Cuts the first byte off *s; 0 when there is none.
static inline uint8_t fuzz_byte(struct slice *s)
{
    if (s->len == 0)
        return 0;
    *s = slice_skip(*s, 1);
    return (uint8_t)s->ptr[-1];
}
