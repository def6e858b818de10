// A builder of bytes in storage that the caller owns, of fixed capacity.
//
// Text that does not fit is not written at all and sets `overflow`, which stays set: a caller
// writes everything and checks once at the end. Nothing here allocates.
#pragma once

#include "base/slice.h"

#include <stdarg.h>
#include <stdint.h>

struct buf {
    char *data;
    size_t len; // bytes written; 0 <= len <= cap
    size_t cap;
    bool overflow; // something did not fit
};

static inline struct buf buf_make(char *data, size_t cap)
{
    return (struct buf){data, 0, cap, false};
}

static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->data, b->len};
}

static inline void buf_put(struct buf *b, struct slice s)
{
    if (s.len > b->cap - b->len) {
        b->overflow = true;
    } else if (s.len) {
        memcpy(b->data + b->len, s.ptr, s.len);
        b->len += s.len;
    }
}

static inline void buf_putc(struct buf *b, char c)
{
    buf_put(b, (struct slice){&c, 1});
}

static inline void buf_puts(struct buf *b, const char *str)
{
    buf_put(b, slice_of(str));
}

// Decimal digits of v.
void buf_putu(struct buf *b, uint64_t v);

// Lower-case hexadecimal digits of v, without leading zeros.
void buf_putx(struct buf *b, uint64_t v);

// With control bytes escaped ("\x1b"), for eyes: no name rewrites a terminal or forges a line.
void buf_put_escaped(struct buf *b, struct slice s);

// As printf; what does not fit as a whole is left out as a whole.
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
