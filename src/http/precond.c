#include "http/precond.h"

#include "http/etag.h"
#include "http/httpdate.h"

typedef bool equal_cb(struct etag a, struct etag b);

// Whether the lists of the fields `id` name the representation. "*" names every one that exists.
// A malformed list is read up to the fault.
static bool matches_tag(const struct request *r, enum field_id id, const struct representation *rep,
                        equal_cb *equal)
{
    struct etag own, other;
    struct slice list;
    if (request_single_field(r, id, &list) && slice_equal(list, SLICE("*")))
        return true;
    if (!etag_parse(rep->etag, &own))
        return false;
    for (uint32_t at = 0; request_next_field(r, id, &at, &list);)
        while (etag_next(&list, &other))
            if (equal(own, other))
                return true;
    return false;
}

// The date of a field. False, and then the field is ignored (sections 13.1.3, 13.1.4): it is
// absent, repeated or no date, or the representation has none to compare with.
static bool has_date(const struct request *r, enum field_id id, const struct representation *rep,
                     int64_t now, int64_t *ret)
{
    struct slice value;
    return rep->mtime >= 0 && request_single_field(r, id, &value) &&
           httpdate_parse(value, now, ret);
}

static int decide(int status, enum field_id by, enum field_id *ret_by)
{
    *ret_by = by;
    return status;
}

// Whether the representation that was there at that date is still the same (section 13.1.3).
static bool is_unmodified_since(const struct representation *rep, int64_t date, int64_t now)
{
    if (rep->is_young)
        return false;
    return date == rep->mtime || (date > rep->mtime && date > rep->changed && date <= now);
}

// Last-Modified of a young file is a second early.
static bool is_modified_after(const struct representation *rep, int64_t date)
{
    return rep->mtime + rep->is_young > date;
}

int precond_check(const struct request *r, const struct representation *rep, int64_t now,
                  enum field_id *ret_by)
{
    int64_t date;
    // Steps 1 and 2.
    if (r->first[FIELD_IF_MATCH].ptr) {
        if (!matches_tag(r, FIELD_IF_MATCH, rep, etag_equal_strong))
            return decide(412, FIELD_IF_MATCH, ret_by);
    } else if (has_date(r, FIELD_IF_UNMODIFIED_SINCE, rep, now, &date)) {
        if (is_modified_after(rep, date))
            return decide(412, FIELD_IF_UNMODIFIED_SINCE, ret_by);
    }
    // Steps 3 and 4.
    if (r->first[FIELD_IF_NONE_MATCH].ptr) {
        if (matches_tag(r, FIELD_IF_NONE_MATCH, rep, etag_equal_weak))
            return decide(304, FIELD_IF_NONE_MATCH, ret_by);
    } else if (has_date(r, FIELD_IF_MODIFIED_SINCE, rep, now, &date)) {
        if (is_unmodified_since(rep, date, now))
            return decide(304, FIELD_IF_MODIFIED_SINCE, ret_by);
        if (date > rep->mtime)
            return decide(0, FIELD_IF_MODIFIED_SINCE, ret_by);
    }
    return 0;
}

bool precond_allows_range_by_tag(const struct request *r, const struct representation *rep)
{
    struct etag own, other;
    struct slice value;
    if (!r->first[FIELD_IF_RANGE].ptr)
        return true;
    return request_single_field(r, FIELD_IF_RANGE, &value) && etag_parse(value, &other) &&
           etag_parse(rep->etag, &own) && etag_equal_strong(own, other);
}

bool precond_allows_range(const struct request *r, const struct representation *rep, int64_t now)
{
    int64_t date;
    return precond_allows_range_by_tag(r, rep) ||
           (has_date(r, FIELD_IF_RANGE, rep, now, &date) && date == rep->mtime && !rep->is_young);
}
