#include "base/buf.h"

#include <stdio.h>

void buf_putu(struct buf *b, uint64_t v)
{
    size_t digits = 1;
    for (uint64_t rest = v; rest >= 10; rest /= 10)
        digits++;
    if (digits > b->cap - b->len) {
        b->overflow = true;
        return;
    }
    b->len += digits;
    char *at = b->data + b->len;
    do
        *--at = (char)('0' + v % 10);
    while (v /= 10);
}

void buf_putx(struct buf *b, uint64_t v)
{
    char digits[16];
    size_t at = sizeof(digits);
    do {
        digits[--at] = "0123456789abcdef"[v & 15];
        v >>= 4;
    } while (v);
    buf_put(b, slice_make(digits + at, sizeof(digits) - at));
}

void buf_put_escaped(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\x%02x", c);
        else
            buf_putc(b, (char)c);
    }
}

void buf_printf(struct buf *b, const char *format, ...)
{
    size_t room = b->cap - b->len;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(b->data + b->len, room, format, args);
    va_end(args);
    // vsnprintf wants one byte for its NUL, which is not part of the text.
    if (n < 0 || (size_t)n >= room)
        b->overflow = true;
    else
        b->len += (size_t)n;
}
