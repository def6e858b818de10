#include "http/digest.h"

#include "base/num.h"
#include "http/chars.h"

// The largest preference (RFC 9530 section 4).
#define WISH_MAX 10

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

// One member, "ALGORITHM=PREFERENCE".
static bool read_wish(struct slice member, uint64_t *sha256)
{
    uint64_t preference;
    struct slice algorithm = slice_split(&member, '=');
    if (algorithm.len == 0 || !chars_all(algorithm, CHAR_TOKEN) ||
        !num_parse_dec(member, WISH_MAX, &preference))
        return false;
    if (slice_equal(algorithm, SLICE("sha-256")))
        *sha256 = preference;
    return true;
}

// Notes what a line says of SHA-256. False: a member is malformed.
static bool read_wishes(struct slice line, uint64_t *sha256)
{
    bool ok = true;
    while (ok && line.ptr)
        ok = read_wish(slice_trim(slice_split(&line, ',')), sha256);
    return ok;
}

bool digest_is_wanted(const struct request *r)
{
    uint64_t sha256 = 0;
    struct slice line;
    for (uint32_t at = 0; request_next_field(r, FIELD_WANT_REPR_DIGEST, &at, &line);)
        if (line.len && !read_wishes(line, &sha256))
            return false;
    return sha256 > 0;
}
