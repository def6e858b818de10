#include "base/slice.h"

#include "base/util.h"

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i] && lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    return true;
}

bool slice_ends_with_nocase(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_equal_nocase(slice_skip(s, s.len - suffix.len), suffix);
}

ptrdiff_t slice_find(struct slice s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? at - s.ptr : -1;
}

struct slice slice_split(struct slice *rest, char sep)
{
    struct slice all = *rest;
    ptrdiff_t at = slice_find(all, sep);
    if (at < 0) {
        *rest = (struct slice){NULL, 0};
        return all;
    }
    *rest = slice_skip(all, (size_t)at + 1);
    return slice_make(all.ptr, (size_t)at);
}

int slice_compare(struct slice a, struct slice b)
{
    size_t n = MIN(a.len, b.len);
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order == 0)
        order = (a.len > b.len) - (a.len < b.len);
    return order;
}
