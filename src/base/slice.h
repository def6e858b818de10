// A view of bytes that somebody else owns: a pointer and a length, never NUL-terminated.
//
// A slice is valid as long as the bytes it points at; nothing here allocates or writes.
// Letter case is ASCII only: the protocol's names are ASCII and the locale must not matter.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *ptr; // may be NULL when len is 0
    size_t len;
};

// For printf: printf("%.*s", SLICE_ARG(s)).
#define SLICE_ARG(s) (int)(s).len, (s).ptr

// A slice of a string literal.
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_make(const char *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

// A slice of a NUL-terminated string; NULL gives the empty slice.
static inline struct slice slice_of(const char *str)
{
    return (struct slice){str, str ? strlen(str) : 0};
}

// The slice without its first n bytes; n must not exceed its length.
static inline struct slice slice_skip(struct slice s, size_t n)
{
    return (struct slice){s.ptr + n, s.len - n};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline unsigned char slice_lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

// Equal when the case of ASCII letters does not count.
bool slice_equal_nocase(struct slice a, struct slice b);

static inline bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal(slice_make(s.ptr, prefix.len), prefix);
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix);

bool slice_ends_with_nocase(struct slice s, struct slice suffix);

// Index of the first `c`, or -1.
static inline ptrdiff_t slice_find(struct slice s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

// Whether a control byte of ASCII stands in it (RFC 5234, CTL).
bool slice_has_control(struct slice s);

static inline bool slice_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// ASCII only, as all of it.
static inline bool slice_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Without the spaces and tabs (OWS, RFC 9110 section 5.6.3) at both ends.
static inline struct slice slice_trim(struct slice s)
{
    while (s.len && slice_is_blank(s.ptr[0]))
        s = slice_skip(s, 1);
    while (s.len && slice_is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

// Cuts off the first word of those that blanks divide; empty: there is none. *rest is trimmed.
struct slice slice_cut_word(struct slice *rest);

// Cuts the prefix off, in any case of its letters; false, *rest left alone: it is not there.
bool slice_cut_prefix_nocase(struct slice *rest, struct slice prefix);

// Cuts *rest at the first `sep`: returns what stands before it and leaves in *rest what stands
// after it. Without a separator returns all and leaves *rest empty with ptr NULL, which is how a
// caller's loop ends: while (rest.ptr) part = slice_split(&rest, ',').
static inline struct slice slice_split(struct slice *rest, char sep)
{
    struct slice all = *rest;
    ptrdiff_t at = slice_find(all, sep);
    if (at < 0) {
        *rest = (struct slice){NULL, 0};
        return all;
    }
    *rest = slice_skip(all, (size_t)at + 1);
    return slice_make(all.ptr, (size_t)at);
}

// The part behind the last `sep`, or all.
struct slice slice_last(struct slice s, char sep);

// Orders like memcmp, a prefix before what it begins.
int slice_compare(struct slice a, struct slice b);

// FNV-1a of 32 bits. Short texts only, and none by which a stranger could choose what collides;
// `seed` is 0, or tells equal texts apart.
static inline uint32_t slice_hash(struct slice s, uint32_t seed)
{
    uint32_t h = UINT32_C(2166136261) ^ seed;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * UINT32_C(16777619);
    return h;
}
