// Checked conversion between numbers and text: plain integers, sizes ("16K"), times ("30s").
//
// All functions return true and set *ret, or return false and leave *ret alone. No sign, no
// leading or trailing space, no overflow that goes unseen.
#pragma once

#include "base/slice.h"

#include <stdint.h>

// One or more decimal digits, at most `max`.
bool num_parse_dec(struct slice s, uint64_t max, uint64_t *ret);

// One or more hexadecimal digits of either case, at most `max`.
bool num_parse_hex(struct slice s, uint64_t max, uint64_t *ret);

// Bytes: digits and an optional K, M, G or T (powers of 1024).
bool num_parse_size(struct slice s, uint64_t *ret);

// Milliseconds: digits and one of ms, s, min, h, d; "0" needs no unit.
bool num_parse_time(struct slice s, uint64_t *ret);

// Text of a size or time that num_parse_size or num_parse_time reads back as the same number, in
// the largest unit that divides it. `text` has room for at least 32 bytes; returns `text`.
char *num_format_size(uint64_t bytes, char text[static 32]);
char *num_format_time(uint64_t ms, char text[static 32]);
