#include "http/range.h"

#include "base/util.h"

// Reads digits off the start of *s; false: there is none.
static bool read_position(struct slice *s, uint64_t *ret)
{
    uint64_t value = 0;
    size_t n = 0;
    for (; n < s->len && slice_is_digit(s->ptr[n]); n++) {
        uint64_t digit = (uint64_t)(s->ptr[n] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    *s = slice_skip(*s, n);
    *ret = value;
    return n > 0;
}

// Reads one range-spec (section 14.1.1). False: malformed, or the suffix of an empty file, which is
// satisfiable by section 14.1.2, but no Content-Range can say so. ret->length is 0 when it is not
// satisfiable.
static bool read_spec(struct slice s, uint64_t size, struct range *ret)
{
    uint64_t first, last;
    bool has_first = read_position(&s, &first);
    if (s.len == 0 || s.ptr[0] != '-')
        return false;
    s = slice_skip(s, 1);
    bool has_last = read_position(&s, &last);
    if (s.len || (!has_first && !has_last) || (has_first && has_last && last < first))
        return false;
    if (!has_first && last && size == 0)
        return false;
    if (!has_first) {
        uint64_t length = MIN(last, size);
        *ret = (struct range){size - length, length};
    } else if (first >= size) {
        *ret = (struct range){0, 0};
    } else {
        uint64_t end = has_last && last < size ? last + 1 : size;
        *ret = (struct range){first, end - first};
    }
    return true;
}

enum range_result range_parse(struct slice value, uint64_t size, struct range *ranges,
                              size_t *count)
{
    size_t specs = 0, satisfiable = 0;
    struct slice set = value;
    struct slice unit = slice_split(&set, '=');
    // Units are compared without case (section 14.1); no space stands behind the '='.
    if (!slice_equal_nocase(unit, SLICE("bytes")) || slice_trim(set).ptr != set.ptr)
        return RANGE_IGNORED;
    while (set.ptr) {
        struct slice spec = slice_trim(slice_split(&set, ','));
        struct range range;
        if (spec.len == 0)
            continue; // an empty member of a list (section 5.6.1.2)
        if (specs++ == *count)
            return RANGE_TOO_MANY;
        if (!read_spec(spec, size, &range))
            return RANGE_IGNORED;
        if (range.length)
            ranges[satisfiable++] = range;
    }
    if (specs == 0)
        return RANGE_IGNORED;
    if (satisfiable == 0)
        return RANGE_UNSATISFIABLE;
    *count = satisfiable;
    return RANGE_SATISFIABLE;
}

static bool is_near(const struct range *a, const struct range *b)
{
    const struct range *first = a->offset <= b->offset ? a : b;
    const struct range *second = first == a ? b : a;
    return second->offset < first->offset + first->length ||
           second->offset - (first->offset + first->length) < RANGE_PART_COST;
}

static struct range join_ranges(const struct range *a, const struct range *b)
{
    uint64_t start = MIN(a->offset, b->offset);
    uint64_t end = MAX(a->offset + a->length, b->offset + b->length);
    return (struct range){start, end - start};
}

size_t range_coalesce(struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count;) {
            if (!is_near(&ranges[i], &ranges[j])) {
                j++;
                continue;
            }
            ranges[i] = join_ranges(&ranges[i], &ranges[j]);
            count--;
            memmove(&ranges[j], &ranges[j + 1], (count - j) * sizeof(*ranges));
            j = i + 1; // what has grown may be near to one that was passed
        }
    }
    return count;
}
