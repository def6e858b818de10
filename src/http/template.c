#include "http/template.h"

#include "base/util.h"
#include "http/urlpath.h"

static struct slice take_text(struct slice *rest, size_t n)
{
    struct slice taken = slice_make(rest->ptr, n);
    *rest = slice_skip(*rest, n);
    return taken;
}

static struct template_part text_part(struct slice text)
{
    return (struct template_part){TEMPLATE_TEXT, text, 0};
}

// Cuts the variable that the dollar at the start of *rest begins.
static struct template_part take_variable(struct slice *rest)
{
    char next = rest->len > 1 ? rest->ptr[1] : '\0';
    if (next == '$')
        return text_part(slice_make(take_text(rest, 2).ptr, 1));
    if (next >= '1' && next <= '9')
        return (struct template_part){TEMPLATE_CAPTURE, take_text(rest, 2), (unsigned)(next - '0')};
    if (slice_starts_with(*rest, SLICE("$host")))
        return (struct template_part){TEMPLATE_HOST, take_text(rest, strlen("$host")), 0};
    if (slice_starts_with(*rest, SLICE("$path")))
        return (struct template_part){TEMPLATE_PATH, take_text(rest, strlen("$path")), 0};
    return (struct template_part){TEMPLATE_BAD, take_text(rest, 1), 0};
}

bool template_next(struct slice *rest, struct template_part *ret)
{
    if (rest->len == 0)
        return false;
    ptrdiff_t dollar = slice_find(*rest, '$');
    if (dollar == 0)
        *ret = take_variable(rest);
    else
        *ret = text_part(take_text(rest, dollar < 0 ? rest->len : (size_t)dollar));
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

bool template_has_host(struct slice text)
{
    struct template_part part;
    while (template_next(&text, &part))
        if (part.kind == TEMPLATE_HOST)
            return true;
    return false;
}

static void put_variable(struct buf *b, const struct template_part *part,
                         const struct template_values *values)
{
    if (part->kind == TEMPLATE_PATH)
        urlpath_encode(b, values->path);
    else if (part->kind == TEMPLATE_HOST)
        buf_put(b, values->host);
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

void template_put_redirect(struct buf *b, struct slice text, const struct template_values *values,
                           struct slice query)
{
    struct slice fragment = text;
    struct slice rest = slice_split(&fragment, '#');
    bool drops_query = rest.len && rest.ptr[rest.len - 1] == '?';
    rest.len -= drops_query;
    bool has_query = slice_find(rest, '?') >= 0;
    struct template_part part;
    size_t start = b->len;
    while (template_next(&rest, &part)) {
        put_variable(b, &part, values);
        if (part.kind == TEMPLATE_TEXT)
            buf_put(b, part.text);
    }
    urlpath_keep_one_slash(b, start);
    if (query.ptr && !drops_query) {
        buf_putc(b, has_query ? '&' : '?');
        urlpath_put_query(b, query);
    }
    if (fragment.ptr) {
        buf_putc(b, '#');
        buf_put(b, fragment);
    }
}
