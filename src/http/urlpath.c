#include "http/urlpath.h"

#include "http/chars.h"

#include <assert.h>

// The byte that the escape at the start of `s` stands for; -reason: it is to be refused.
static int decode_escape(struct slice s)
{
    int high = s.len >= 3 ? chars_hex(s.ptr[1]) : -1;
    int low = s.len >= 3 ? chars_hex(s.ptr[2]) : -1;
    if (high < 0 || low < 0)
        return -REASON_PATH_ESCAPE;
    int byte = high << 4 | low;
    return byte == '/' ? -REASON_PATH_ESCAPED_SLASH : byte;
}

static enum reason decode_segment(struct slice raw, char *out, struct slice *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        int byte = (unsigned char)raw.ptr[i];
        if (byte == '%') {
            byte = decode_escape(slice_skip(raw, i));
            i += 2;
        }
        if (byte <= 0)
            return byte ? (enum reason) - byte : REASON_PATH_NUL;
        out[n++] = (char)byte;
    }
    *ret = slice_make(out, n);
    return REASON_NONE;
}

// Whether `s` begins with the escape "%2" and this digit, a small letter: of a slash or a dot.
static bool is_escaped(struct slice s, char digit)
{
    return s.len >= 3 && s.ptr[0] == '%' && s.ptr[1] == '2' &&
           slice_lower(s.ptr[2]) == (unsigned char)digit;
}

// Whether `raw` is "." or "..", in any way of writing it.
static bool is_dot_segment(struct slice raw)
{
    size_t dots = 0;
    for (; raw.len; dots++) {
        bool escaped = is_escaped(raw, 'e');
        if (!escaped && raw.ptr[0] != '.')
            return false;
        raw = slice_skip(raw, escaped ? 3 : 1);
    }
    return dots == 1 || dots == 2;
}

enum reason urlpath_unescape_slashes(struct slice raw, char *out, struct slice *ret)
{
    size_t len = 0, start = 0; // of the segment
    bool before = false;       // an escaped slash stands before it
    for (size_t i = 0; i <= raw.len;) {
        bool escaped = is_escaped(slice_skip(raw, i), 'f');
        if (!escaped && i < raw.len && raw.ptr[i] != '/') {
            out[len++] = raw.ptr[i++];
            continue;
        }
        if ((before || escaped) && is_dot_segment(slice_make(out + start, len - start)))
            return REASON_PATH_SLASH_DOTS;
        if (escaped && len == 1)
            return REASON_PATH_SLASH_DOTS;
        if (i < raw.len)
            out[len++] = '/';
        start = len;
        before = escaped;
        i += escaped ? 3 : 1;
    }
    *ret = slice_make(out, len);
    return REASON_NONE;
}

// Length of `path`, which ends in a slash, without its last segment.
static size_t parent_length(const char *path, size_t len)
{
    do
        len--;
    while (len && path[len - 1] != '/');
    return len;
}

enum reason urlpath_decode(struct slice raw, char *out, struct slice *ret, bool *ret_hidden)
{
    bool hidden = false;
    size_t len = 0; // of what is done: empty, or ends in a slash
    assert(raw.len && raw.ptr[0] == '/');
    for (struct slice rest = slice_skip(raw, 1); rest.ptr;) {
        struct slice segment;
        enum reason reason = decode_segment(slice_split(&rest, '/'), out + len, &segment);
        if (reason)
            return reason;
        if (segment.len == 0 || slice_equal(segment, SLICE(".")))
            continue;
        if (slice_equal(segment, SLICE(".."))) {
            if (len == 0)
                return REASON_PATH_ABOVE_ROOT;
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
    return REASON_NONE;
}

// Escapes the bytes that are not of the class.
static void put_escaped(struct buf *b, struct slice text, enum char_class class)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        char escape[] = {'%', digits[c >> 4], digits[c & 15]};
        if (chars_has(text.ptr[i], class))
            buf_putc(b, text.ptr[i]);
        else
            buf_put(b, slice_make(escape, sizeof(escape)));
    }
}

void urlpath_encode(struct buf *b, struct slice path)
{
    put_escaped(b, path, CHAR_PATH);
}

void urlpath_put_query(struct buf *b, struct slice query)
{
    put_escaped(b, query, CHAR_URI);
}

void urlpath_keep_one_slash(struct buf *b, size_t start)
{
    size_t from = start;
    while (from + 1 < b->len && b->data[from] == '/' && b->data[from + 1] == '/')
        from++;
    memmove(b->data + start, b->data + from, b->len - from);
    b->len -= from - start;
}

static void put_query(struct buf *b, struct slice query)
{
    if (!query.ptr)
        return;
    buf_putc(b, '?');
    urlpath_put_query(b, query);
}

void urlpath_slash_redirect(struct buf *b, struct slice path, struct slice query)
{
    struct slice last = slice_last(path, '/');
    // "a:b/" would be read as an absolute reference of scheme "a" (RFC 3986 section 4.2).
    if (slice_find(last, ':') >= 0)
        buf_put(b, SLICE("./"));
    urlpath_encode(b, last);
    buf_putc(b, '/');
    put_query(b, query);
}

void urlpath_unslash_redirect(struct buf *b, struct slice path, struct slice query)
{
    path.len--;
    buf_put(b, SLICE("../"));
    urlpath_encode(b, slice_last(path, '/'));
    put_query(b, query);
}

bool urlpath_has_dot_segment(struct slice path)
{
    while (path.ptr) {
        struct slice segment = slice_split(&path, '/');
        if (slice_equal(segment, SLICE(".")) || slice_equal(segment, SLICE("..")))
            return true;
    }
    return false;
}
