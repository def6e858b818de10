#include "base/slice.h"

#include "base/util.h"

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i] && slice_lower(a.ptr[i]) != slice_lower(b.ptr[i]))
            return false;
    return true;
}

bool slice_starts_with_nocase(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_equal_nocase(slice_make(s.ptr, prefix.len), prefix);
}

bool slice_ends_with_nocase(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_equal_nocase(slice_skip(s, s.len - suffix.len), suffix);
}

bool slice_has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
            return true;
    return false;
}

bool slice_cut_prefix_nocase(struct slice *rest, struct slice prefix)
{
    if (!slice_starts_with_nocase(*rest, prefix))
        return false;
    *rest = slice_skip(*rest, prefix.len);
    return true;
}

struct slice slice_cut_word(struct slice *rest)
{
    struct slice all = slice_trim(*rest), word = {all.ptr, 0};
    while (word.len < all.len && !slice_is_blank(all.ptr[word.len]))
        word.len++;
    *rest = word.len ? slice_trim(slice_skip(all, word.len)) : all;
    return word;
}

struct slice slice_last(struct slice s, char sep)
{
    const char *at = s.len ? memrchr(s.ptr, sep, s.len) : NULL;
    return at ? slice_skip(s, (size_t)(at - s.ptr) + 1) : s;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t n = MIN(a.len, b.len);
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (order == 0)
        order = (a.len > b.len) - (a.len < b.len);
    return order;
}
