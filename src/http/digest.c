#include "http/digest.h"

#include "http/chars.h"
#include "http/structured.h"

bool digest_parse(struct slice text, uint8_t ret[static DIGEST_LEN])
{
    uint8_t digest[DIGEST_LEN];
    if (text.len < 2 * DIGEST_LEN)
        return false;
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        int high = chars_hex(text.ptr[2 * i]), low = chars_hex(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    if (text.len > 2 * DIGEST_LEN && slice_find(SLICE(" \t\r\n"), text.ptr[2 * DIGEST_LEN]) < 0)
        return false;
    memcpy(ret, digest, sizeof(digest));
    return true;
}

void digest_etag(struct buf *b, const uint8_t digest[static DIGEST_LEN])
{
    static const char digits[] = "0123456789abcdef";
    buf_putc(b, '"');
    for (size_t i = 0; i < DIGEST_LEN; i++) {
        buf_putc(b, digits[digest[i] >> 4]);
        buf_putc(b, digits[digest[i] & 15]);
    }
    buf_putc(b, '"');
}

// RFC 4648 section 4. The digest is two bytes longer than whole groups of three.
static void put_base64(struct buf *b, const uint8_t digest[static DIGEST_LEN])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    _Static_assert(DIGEST_LEN % 3 == 2, "one byte of padding");
    for (size_t i = 0; i < DIGEST_LEN; i += 3) {
        unsigned third = i + 2 < DIGEST_LEN ? digest[i + 2] : 0;
        unsigned group = (unsigned)digest[i] << 16 | (unsigned)digest[i + 1] << 8 | third;
        buf_putc(b, digits[group >> 18]);
        buf_putc(b, digits[group >> 12 & 63]);
        buf_putc(b, digits[group >> 6 & 63]);
        buf_putc(b, i + 2 < DIGEST_LEN ? digits[group & 63] : '=');
    }
}

void digest_field(struct buf *b, const uint8_t digest[static DIGEST_LEN])
{
    buf_put(b, SLICE("sha-256=:"));
    put_base64(b, digest);
    buf_putc(b, ':');
}

bool digest_is_wanted(const struct request *r)
{
    int64_t preference;
    return structured_integer(r, FIELD_WANT_REPR_DIGEST, SLICE("sha-256"), &preference) &&
           preference >= 1 && preference <= 10;
}
