#include "http/decision.h"

#include "http/precond.h"

#include <assert.h>

// Whether parts with these ranges are smaller than the whole.
static bool is_worth_parts(const struct range *ranges, size_t count, uint64_t size)
{
    uint64_t rest = size; // of the file, which is not sent
    for (size_t i = 0; i < count; i++)
        rest -= ranges[i].length;
    return rest > count * RANGE_PART_COST;
}

// Step 5 of section 13.2.2.
static enum range_result heed_range(const struct request *r, const struct representation *rep,
                                    int64_t now, struct decision *d)
{
    struct slice value;
    size_t count = DECISION_MAX_RANGES;
    if (r->method != METHOD_GET || !request_single_field(r, FIELD_RANGE, &value) ||
        !precond_allows_range(r, rep, now))
        return RANGE_IGNORED;
    enum range_result result = range_parse(value, rep->size, d->ranges, &count);
    if (result != RANGE_SATISFIABLE)
        return result;
    d->range_count = range_coalesce(d->ranges, count);
    return d->range_count == 1 || is_worth_parts(d->ranges, d->range_count, rep->size)
               ? RANGE_SATISFIABLE
               : RANGE_IGNORED;
}

void decision_make(const struct request *r, const struct representation *rep, int64_t now,
                   struct decision *ret)
{
    static const int statuses[] = {
        [RANGE_IGNORED] = 200,
        [RANGE_SATISFIABLE] = 206,
        [RANGE_UNSATISFIABLE] = 416,
    };
    assert(r->method == METHOD_GET || r->method == METHOD_HEAD);
    *ret = (struct decision){.status = precond_check(r, rep, now)};
    if (ret->status)
        return;
    ret->status = statuses[heed_range(r, rep, now, ret)];
    if (ret->status == 200) {
        ret->range_count = 1;
        ret->ranges[0] = (struct range){0, rep->size};
    }
}
