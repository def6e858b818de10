#include "http/urlpath.h"

#include "http/chars.h"

#include <assert.h>

// The byte that the escape at the start of `s` stands for; -status: it is to be refused.
static int decode_escape(struct slice s)
{
    int high = s.len >= 3 ? chars_hex(s.ptr[1]) : -1;
    int low = s.len >= 3 ? chars_hex(s.ptr[2]) : -1;
    if (high < 0 || low < 0)
        return -400;
    int byte = high << 4 | low;
    return byte == '/' ? -404 : byte;
}

static int decode_segment(struct slice raw, char *out, struct slice *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        int byte = (unsigned char)raw.ptr[i];
        if (byte == '%') {
            byte = decode_escape(slice_skip(raw, i));
            i += 2;
        }
        if (byte <= 0)
            return byte ? -byte : 400;
        out[n++] = (char)byte;
    }
    *ret = slice_make(out, n);
    return 0;
}

// Length of `path`, which ends in a slash, without its last segment.
static size_t parent_length(const char *path, size_t len)
{
    do
        len--;
    while (len && path[len - 1] != '/');
    return len;
}

int urlpath_decode(struct slice raw, char *out, struct slice *ret, bool *ret_hidden)
{
    bool hidden = false;
    size_t len = 0; // of what is done: empty, or ends in a slash
    assert(raw.len && raw.ptr[0] == '/');
    for (struct slice rest = slice_skip(raw, 1); rest.ptr;) {
        struct slice segment;
        int status = decode_segment(slice_split(&rest, '/'), out + len, &segment);
        if (status)
            return status;
        if (segment.len == 0 || slice_equal(segment, SLICE(".")))
            continue;
        if (slice_equal(segment, SLICE(".."))) {
            if (len == 0)
                return 400;
            len = parent_length(out, len);
            continue;
        }
        if (segment.ptr[0] == '.' && (len || !slice_equal(segment, SLICE(".well-known"))))
            hidden = true;
        len += segment.len;
        if (rest.ptr)
            out[len++] = '/';
    }
    *ret = slice_make(out, len);
    *ret_hidden = hidden;
    return 0;
}

void urlpath_encode(struct buf *b, struct slice path)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        char escape[] = {'%', digits[c >> 4], digits[c & 15]};
        if (chars_has(path.ptr[i], CHAR_PATH))
            buf_putc(b, path.ptr[i]);
        else
            buf_put(b, slice_make(escape, sizeof(escape)));
    }
}

void urlpath_slash_redirect(struct buf *b, struct slice path, struct slice query)
{
    struct slice last;
    do
        last = slice_split(&path, '/');
    while (path.ptr);
    // "a:b/" would be read as an absolute reference of scheme "a" (RFC 3986 section 4.2).
    if (slice_find(last, ':') >= 0)
        buf_put(b, SLICE("./"));
    urlpath_encode(b, last);
    buf_putc(b, '/');
    if (query.ptr) {
        buf_putc(b, '?');
        buf_put(b, query);
    }
}
