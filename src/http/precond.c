#include "http/precond.h"

#include "http/decision.h"
#include "http/etag.h"
#include "http/httpdate.h"

typedef bool equal_cb(struct etag a, struct etag b);

// Whether the lists of the fields `id` name the representation. "*" names every one that exists.
// A malformed list is read up to the fault.
static bool matches(const struct request *r, enum field_id id, const struct representation *rep,
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

int precond_check(const struct request *r, const struct representation *rep, int64_t now)
{
    int64_t date;
    // Steps 1 and 2.
    if (r->first[FIELD_IF_MATCH].ptr) {
        if (!matches(r, FIELD_IF_MATCH, rep, etag_equal_strong))
            return 412;
    } else if (has_date(r, FIELD_IF_UNMODIFIED_SINCE, rep, now, &date)) {
        if (rep->mtime > date)
            return 412;
    }
    // Steps 3 and 4.
    if (r->first[FIELD_IF_NONE_MATCH].ptr) {
        if (matches(r, FIELD_IF_NONE_MATCH, rep, etag_equal_weak))
            return 304;
    } else if (has_date(r, FIELD_IF_MODIFIED_SINCE, rep, now, &date)) {
        if (rep->mtime <= date)
            return 304;
    }
    return 0;
}

bool precond_allows_range(const struct request *r, const struct representation *rep, int64_t now)
{
    struct etag own, other;
    struct slice value;
    int64_t date;
    if (!r->first[FIELD_IF_RANGE].ptr)
        return true;
    if (!request_single_field(r, FIELD_IF_RANGE, &value))
        return false;
    if (etag_parse(value, &other))
        return etag_parse(rep->etag, &own) && etag_equal_strong(own, other);
    return has_date(r, FIELD_IF_RANGE, rep, now, &date) && date == rep->mtime;
}
