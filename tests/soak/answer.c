#include "answer.h"

#include <string.h>

static bool is_text(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("!#$%&'*+-.^_`|~", s.ptr[i]) &&
            !((s.ptr[i] | 0x20) >= 'a' && (s.ptr[i] | 0x20) <= 'z') &&
            !(s.ptr[i] >= '0' && s.ptr[i] <= '9'))
            return false;
    return s.len > 0;
}

static bool read_number(struct slice s, uint64_t *ret)
{
    *ret = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9' || s.len > 15)
            return false;
        *ret = *ret * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    return s.len > 0;
}

static bool read_status_line(struct slice line, struct answer_head *h)
{
    struct slice version = SLICE("HTTP/1.1 ");
    uint64_t status;
    if (line.len < version.len + 4 || memcmp(line.ptr, version.ptr, version.len) != 0 ||
        !read_number(slice_make(line.ptr + version.len, 3), &status) ||
        line.ptr[version.len + 3] != ' ' || status < 100 || status > 599)
        return false;
    h->status = (int)status;
    return is_text(line);
}

static const char *read_field(struct slice line, struct answer_head *h)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    if (!colon || !is_token(slice_make(line.ptr, (size_t)(colon - line.ptr))))
        return "a field line without a name";
    struct slice name = slice_make(line.ptr, (size_t)(colon - line.ptr));
    struct slice value = slice_skip(line, name.len + 1);
    if (value.len < 2 || value.ptr[0] != ' ' || !is_text(value))
        return "a field line without a value";
    value = slice_skip(value, 1);
    if (slice_equal(name, SLICE("Content-Length"))) {
        if (h->has_length || !read_number(value, &h->length))
            return "a wrong Content-Length";
        h->has_length = true;
    }
    h->has_date = h->has_date || slice_equal(name, SLICE("Date"));
    if (slice_equal(name, SLICE("Connection")) && slice_equal(value, SLICE("close")))
        h->closes = true;
    return slice_equal(name, SLICE("Transfer-Encoding")) ? "a Transfer-Encoding" : NULL;
}

const char *answer_read_head(struct slice head, struct answer_head *h)
{
    bool first = true;
    *h = (struct answer_head){0};
    while (head.len > 2) {
        const char *end = memchr(head.ptr, '\r', head.len);
        if (!end || end[1] != '\n')
            return "a line that does not end with CRLF";
        struct slice line = slice_make(head.ptr, (size_t)(end - head.ptr));
        if (first && !read_status_line(line, h))
            return "no status line";
        const char *fault = first ? NULL : read_field(line, h);
        if (fault)
            return fault;
        first = false;
        head = slice_skip(head, line.len + 2);
    }
    if (h->status >= 200 && h->status < 500 && !h->has_date)
        return "no Date";
    bool may = h->status >= 200 && h->status != 204;
    if (h->has_length && !may)
        return "a Content-Length where there may be none";
    if (!h->has_length && may && h->status != 304)
        return "no Content-Length";
    return NULL;
}
