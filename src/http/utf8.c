#include "http/utf8.h"

#include "base/util.h"

// A length of sequence: what its first byte looks like, and the least code point that needs it.
static const struct form {
    uint8_t mask, first;
    uint32_t least;
} forms[] = {
    {0x80, 0x00, 0},
    {0xe0, 0xc0, 0x80},
    {0xf0, 0xe0, 0x800},
    {0xf8, 0xf0, 0x10000},
};

static bool is_code_point(uint32_t code)
{
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

// The code point of the `len` bytes at `s`, or -1.
static int32_t decode_sequence(const char *s, size_t len)
{
    const struct form *form = &forms[len - 1];
    uint32_t code = (uint8_t)s[0] & (uint8_t)~form->mask;
    for (size_t i = 1; i < len; i++) {
        if (((uint8_t)s[i] & 0xc0) != 0x80)
            return -1;
        code = code << 6 | ((uint8_t)s[i] & 0x3f);
    }
    return code >= form->least && is_code_point(code) ? (int32_t)code : -1;
}

int32_t utf8_next(struct slice *s)
{
    int32_t code = -1;
    size_t len = 1;
    for (size_t n = 1; n <= ARRAY_SIZE(forms); n++) {
        if (((uint8_t)s->ptr[0] & forms[n - 1].mask) == forms[n - 1].first && n <= s->len) {
            code = decode_sequence(s->ptr, n);
            len = code < 0 ? 1 : n;
        }
    }
    *s = slice_skip(*s, len);
    return code;
}

void utf8_put(struct buf *b, uint32_t code)
{
    char out[ARRAY_SIZE(forms)];
    size_t len = 1;
    while (len < ARRAY_SIZE(forms) && code >= forms[len].least)
        len++;
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(forms[len - 1].first | code);
    buf_put(b, slice_make(out, len));
}
