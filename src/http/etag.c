#include "http/etag.h"

#include "http/chars.h"

// Cuts an entity tag off the start of *s. A quoted comma is part of it.
static bool cut_tag(struct slice *s, struct etag *ret)
{
    struct slice rest = *s;
    bool weak = slice_starts_with(rest, SLICE("W/"));
    if (weak)
        rest = slice_skip(rest, 2);
    if (rest.len == 0 || rest.ptr[0] != '"')
        return false;
    size_t n = 1;
    while (n < rest.len && chars_has(rest.ptr[n], CHAR_ETAG))
        n++;
    if (n == rest.len || rest.ptr[n] != '"')
        return false;
    *ret = (struct etag){slice_make(rest.ptr, n + 1), weak};
    *s = slice_skip(rest, n + 1);
    return true;
}

bool etag_parse(struct slice s, struct etag *ret)
{
    struct etag tag;
    if (!cut_tag(&s, &tag) || s.len)
        return false;
    *ret = tag;
    return true;
}

bool etag_next(struct slice *list, struct etag *ret)
{
    struct slice rest = slice_trim(*list);
    struct etag tag;
    while (rest.len && rest.ptr[0] == ',')
        rest = slice_trim(slice_skip(rest, 1));
    if (!cut_tag(&rest, &tag))
        return false;
    rest = slice_trim(rest);
    if (rest.len && rest.ptr[0] != ',')
        return false;
    *list = rest;
    *ret = tag;
    return true;
}

bool etag_equal_strong(struct etag a, struct etag b)
{
    return !a.weak && !b.weak && slice_equal(a.opaque, b.opaque);
}

bool etag_equal_weak(struct etag a, struct etag b)
{
    return slice_equal(a.opaque, b.opaque);
}
