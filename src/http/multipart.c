#include "http/multipart.h"

#include <assert.h>

// FNV-1a: spreads well, and nobody needs to be kept from finding out the boundary.
static uint64_t hash_bytes(uint64_t start, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint64_t h = start;
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

void multipart_init(struct multipart *m, const struct multipart_file *file,
                    const struct range *ranges, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t h = hash_bytes(UINT64_C(0xcbf29ce484222325), file->etag.ptr, file->etag.len);
    h = hash_bytes(h, ranges, count * sizeof(*ranges));
    *m = (struct multipart){.type = file->type, .total = file->size};
    // Text rarely has hyphens before such a number.
    memset(m->boundary, '-', sizeof(m->boundary));
    for (size_t i = sizeof(m->boundary); h; h >>= 4)
        m->boundary[--i] = digits[h & 15];
}

static void put_boundary(struct buf *b, const struct multipart *m)
{
    buf_put(b, slice_make(m->boundary, sizeof(m->boundary)));
}

void multipart_type(struct buf *b, const struct multipart *m)
{
    buf_put(b, SLICE("multipart/byteranges; boundary="));
    put_boundary(b, m);
}

void multipart_part(struct buf *b, const struct multipart *m, const struct range *range)
{
    buf_put(b, SLICE("\r\n--"));
    put_boundary(b, m);
    if (m->type.len) {
        buf_put(b, SLICE("\r\nContent-Type: "));
        buf_put(b, m->type);
    }
    buf_put(b, SLICE("\r\nContent-Range: bytes "));
    buf_putu(b, range->offset);
    buf_putc(b, '-');
    buf_putu(b, range->offset + range->length - 1);
    buf_putc(b, '/');
    buf_putu(b, m->total);
    buf_put(b, SLICE("\r\n\r\n"));
}

void multipart_end(struct buf *b, const struct multipart *m)
{
    buf_put(b, SLICE("\r\n--"));
    put_boundary(b, m);
    buf_put(b, SLICE("--\r\n"));
}

uint64_t multipart_length(const struct multipart *m, const struct range *ranges, size_t count)
{
    char text[MULTIPART_TEXT_MAX];
    struct buf b = buf_make(text, sizeof(text));
    multipart_end(&b, m);
    uint64_t length = b.len;
    for (size_t i = 0; i < count; i++) {
        b.len = 0;
        multipart_part(&b, m, &ranges[i]);
        length += b.len + ranges[i].length;
    }
    assert(!b.overflow);
    return length;
}
