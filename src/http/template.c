#include "http/template.h"

#include "base/util.h"

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
