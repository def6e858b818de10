// Eight bytes at a time: a test of all of them at once, which the compiler makes of what the
// processor has (GCC manual, "Vector Extensions").
//
// A test is written with the operators of C, (word < ' ') | (word == '"'), and gives a word with
// bits set in the bytes that are meant.
#pragma once

#include "base/slice.h"

#include <stdint.h>

typedef uint8_t octets __attribute__((vector_size(8)));
typedef int8_t octets_meant __attribute__((vector_size(8)));
typedef octets_meant octets_test(octets word);

static inline octets octets_load(const char *bytes)
{
    octets word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

// Whether the test means none of the bytes, of which there are at least eight.
static inline bool octets_none(struct slice s, octets_test *test)
{
    size_t last = s.len - sizeof(octets);
    octets_meant meant = test(octets_load(s.ptr + last));
    for (size_t i = 0; i < last; i += sizeof(octets))
        meant |= test(octets_load(s.ptr + i)); // some of the last ones are looked at again
    uint64_t any;
    memcpy(&any, &meant, sizeof(any));
    return !any;
}
