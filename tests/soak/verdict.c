#include "verdict.h"

#include "base/slice.h"
#include "base/util.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void verdict_init(struct verdict *v, const struct attack *a)
{
    *v = (struct verdict){.attack = a, .head = malloc(VERDICT_HEAD_MAX)};
    assert(v->head);
}

void verdict_cleanup(struct verdict *v)
{
    free(v->head);
    v->head = NULL;
}

static bool fail(struct verdict *v, const char *fault)
{
    if (!v->fault)
        v->fault = fault;
    return false;
}

// ---- one head ----------------------------------------------------------------------------------

struct head {
    int status;
    bool has_length, has_date, closes;
    uint64_t length;
};

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

static bool read_status_line(struct slice line, struct head *h)
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

static const char *read_field(struct slice line, struct head *h)
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

static const char *read_head(struct slice head, struct head *h)
{
    bool first = true;
    *h = (struct head){0};
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

// ---- the stream --------------------------------------------------------------------------------

static void answered(struct verdict *v)
{
    v->expects = VERDICT_HEAD;
    v->answers++;
    v->statuses[v->status / 100]++;
}

// A head is complete: is it what it has to be, and what follows it?
static bool take_head(struct verdict *v)
{
    struct head h;
    const char *fault = read_head(slice_make(v->head, v->len), &h);
    v->len = 0;
    if (fault)
        return fail(v, fault);
    if (h.status < 200)
        return true;
    bool is_known = v->answers < v->attack->known_count;
    bool is_expected = is_known && h.status == v->attack->known[v->answers].status;
    v->turned_away = v->turned_away || h.status == 503;
    if (is_known && !is_expected && h.status != 503 && !(v->late && h.status == 408))
        return fail(v, "a wrong status for a request in good order");
    v->status = h.status;
    v->closing = h.closes;
    v->left = h.length;
    if (h.length == 0 || h.status == 304 || (is_expected && v->attack->known[v->answers].is_head))
        answered(v);
    else
        v->expects = is_expected ? VERDICT_CONTENT : VERDICT_MAYBE_CONTENT;
    return true;
}

static bool feed_head(struct verdict *v, char byte)
{
    if (v->closing)
        return fail(v, "bytes after the last answer");
    if (v->len == VERDICT_HEAD_MAX)
        return fail(v, "an endless head");
    v->head[v->len++] = byte;
    if (v->len >= 4 && memcmp(v->head + v->len - 4, "\r\n\r\n", 4) == 0)
        return take_head(v);
    return true;
}

// Of a mutated request it is not known whether its method was HEAD: then the next head follows at
// once. No content begins with 'H'.
static void resolve_maybe(struct verdict *v, char byte)
{
    if (byte == 'H')
        answered(v);
    else
        v->expects = VERDICT_CONTENT;
}

bool verdict_feed(struct verdict *v, const char *data, size_t len)
{
    while (len && !v->fault) {
        size_t used = 1;
        if (v->expects == VERDICT_MAYBE_CONTENT)
            resolve_maybe(v, *data);
        if (v->expects == VERDICT_CONTENT) {
            used = (size_t)MIN(v->left, (uint64_t)len);
            v->left -= used;
            if (v->left == 0)
                answered(v);
        } else {
            feed_head(v, *data);
        }
        data += used;
        len -= used;
    }
    return !v->fault;
}

bool verdict_is_complete(const struct verdict *v)
{
    return v->expects == VERDICT_HEAD && v->len == 0 && v->answers >= v->attack->known_count;
}

bool verdict_end(struct verdict *v)
{
    if (v->late)
        return true;
    if (v->expects == VERDICT_MAYBE_CONTENT)
        answered(v);
    if (v->expects == VERDICT_CONTENT)
        return fail(v, "closed within content");
    if (v->len)
        return fail(v, "closed within a head");
    if (v->answers < v->attack->known_count && !v->closing)
        return fail(v, "closed without answering a request in good order");
    return true;
}
