// SipHash-2-4 of numbers: whoever does not know the key can neither guess a hash nor learn from one
// what was hashed (Aumasson and Bernstein, "SipHash: a fast short-input PRF").
//
// Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t words[2];
};

// The hash of the numbers as bytes, each with its lowest byte first.
uint64_t siphash_numbers(const struct siphash_key *key, const uint64_t *numbers, size_t count);
