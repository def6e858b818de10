#include "http/template.h"

#include "base/util.h"
#include "http/urlpath.h"

static struct slice take(struct slice *rest, size_t n)
{
    struct slice taken = slice_make(rest->ptr, n);
    *rest = slice_skip(*rest, n);
    return taken;
}

static struct template_part text_part(struct slice text)
{
    return (struct template_part){TEMPLATE_TEXT, text, 0};
}

// What a dollar, which *rest begins with, begins.
static struct template_part take_variable(struct slice *rest)
{
    char next = rest->len > 1 ? rest->ptr[1] : '\0';
    if (next == '$')
        return text_part(slice_make(take(rest, 2).ptr, 1));
    if (next >= '1' && next <= '9')
        return (struct template_part){TEMPLATE_CAPTURE, take(rest, 2), (unsigned)(next - '0')};
    if (slice_starts_with(*rest, SLICE("$path")))
        return (struct template_part){TEMPLATE_PATH, take(rest, strlen("$path")), 0};
    return (struct template_part){TEMPLATE_BAD, take(rest, 1), 0};
}

bool template_next(struct slice *rest, struct template_part *ret)
{
    if (rest->len == 0)
        return false;
    ptrdiff_t dollar = slice_find(*rest, '$');
    if (dollar == 0)
        *ret = take_variable(rest);
    else
        *ret = text_part(take(rest, dollar < 0 ? rest->len : (size_t)dollar));
    return true;
}

unsigned template_last_capture(struct slice text)
{
    struct template_part part;
    unsigned last = 0;
    while (template_next(&text, &part))
        if (part.kind == TEMPLATE_CAPTURE)
            last = MAX(last, part.capture);
    return last;
}

static void put_variable(struct buf *b, const struct template_part *part,
                         const struct template_values *values)
{
    if (part->kind == TEMPLATE_PATH)
        urlpath_encode(b, values->path);
    else if (part->kind == TEMPLATE_CAPTURE && part->capture <= values->captures->count)
        urlpath_encode(b, values->captures->captures[part->capture - 1]);
}

void template_put_path(struct buf *b, struct slice text, const struct template_values *values)
{
    struct template_part part;
    while (template_next(&text, &part)) {
        put_variable(b, &part, values);
        if (part.kind == TEMPLATE_TEXT)
            urlpath_encode(b, part.text);
    }
}

// "//" at the start of a reference names a host (RFC 3986 section 4.2): what was captured, or was
// empty, must not lead to another one.
static void keep_one_slash(struct buf *b, size_t start)
{
    size_t from = start;
    while (from + 1 < b->len && b->data[from] == '/' && b->data[from + 1] == '/')
        from++;
    memmove(b->data + start, b->data + from, b->len - from);
    b->len -= from - start;
}

void template_put_redirect(struct buf *b, struct slice text, const struct template_values *values,
                           struct slice query)
{
    struct slice fragment = text;
    struct slice rest = slice_split(&fragment, '#');
    bool has_query = slice_find(rest, '?') >= 0;
    struct template_part part;
    size_t start = b->len;
    while (template_next(&rest, &part)) {
        put_variable(b, &part, values);
        if (part.kind == TEMPLATE_TEXT)
            buf_put(b, part.text);
    }
    keep_one_slash(b, start);
    if (query.ptr) {
        buf_putc(b, has_query ? '&' : '?');
        buf_put(b, query);
    }
    if (fragment.ptr) {
        buf_putc(b, '#');
        buf_put(b, fragment);
    }
}
