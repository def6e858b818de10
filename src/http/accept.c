#include "http/accept.h"

#include "http/qvalue.h"

// How closely a media range names a type.
enum closeness { CLOSE_NOT, CLOSE_ANY, CLOSE_MAIN, CLOSE_EXACT };

static enum closeness closeness_of(const struct qvalue_member *range, struct slice type)
{
    struct slice rest = type, subtype = range->value;
    struct slice main_type = slice_split(&rest, '/');
    if (range->has_parameters)
        return CLOSE_NOT;
    if (slice_equal_nocase(range->value, type))
        return CLOSE_EXACT;
    if (slice_equal(range->value, SLICE("*/*")))
        return CLOSE_ANY;
    return slice_equal_nocase(slice_split(&subtype, '/'), main_type) &&
                   slice_equal(subtype, SLICE("*"))
               ? CLOSE_MAIN
               : CLOSE_NOT;
}

// The weight of the closest range, and how close that is. Of equal ones the first counts.
static unsigned weight_of_type(const struct request *r, struct slice type, enum closeness *ret)
{
    struct slice list;
    unsigned weight = 0;
    *ret = CLOSE_NOT;
    for (uint32_t at = 0; request_next_field(r, FIELD_ACCEPT, &at, &list);) {
        struct qvalue_member range;
        while (qvalue_next(&list, &range)) {
            enum closeness closeness = closeness_of(&range, type);
            if (closeness > *ret) {
                *ret = closeness;
                weight = range.weight;
            }
        }
    }
    return weight;
}

unsigned accept_quality(const struct request *r, struct slice type)
{
    enum closeness closeness;
    unsigned weight = weight_of_type(r, type, &closeness);
    return r->first[FIELD_ACCEPT].ptr ? weight : QVALUE_MAX;
}

bool accept_names(const struct request *r, struct slice type)
{
    enum closeness closeness;
    return weight_of_type(r, type, &closeness) && closeness == CLOSE_EXACT;
}

bool accept_is_navigation(const struct request *r, struct slice path)
{
    struct slice mode = r->first[FIELD_SEC_FETCH_MODE];
    if (mode.ptr)
        return slice_equal(mode, SLICE("navigate"));
    if (r->first[FIELD_ACCEPT].ptr && accept_names(r, SLICE("text/html")))
        return true;
    return accept_quality(r, SLICE("text/html")) > 0 && slice_find(slice_last(path, '/'), '.') < 0;
}
