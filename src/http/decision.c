#include "http/decision.h"

#include "base/util.h"

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
static enum decision_range apply_range(const struct request *r, const struct representation *rep,
                                       int64_t now, struct decision *d)
{
    static const enum decision_range unserved[] = {
        [RANGE_IGNORED] = DECISION_RANGE_IGNORED,
        [RANGE_TOO_MANY] = DECISION_RANGE_TOO_MANY,
    };
    struct slice value;
    size_t count = MIN(rep->max_ranges, DECISION_MAX_RANGES);
    if (r->method != METHOD_GET || !r->first[FIELD_RANGE].ptr)
        return DECISION_RANGE_NONE;
    if (!request_single_field(r, FIELD_RANGE, &value))
        return DECISION_RANGE_IGNORED;
    if (!precond_allows_range(r, rep, now))
        return DECISION_RANGE_OUTDATED;
    enum range_result result = range_parse(value, rep->size, d->ranges, &count);
    if (result == RANGE_UNSATISFIABLE)
        return DECISION_RANGE_SERVED;
    if (result != RANGE_SATISFIABLE)
        return unserved[result];
    d->range_count = range_coalesce(d->ranges, count);
    return d->range_count == 1 || is_worth_parts(d->ranges, d->range_count, rep->size)
               ? DECISION_RANGE_SERVED
               : DECISION_RANGE_COSTLY;
}

static void take_whole(struct decision *d, uint64_t size)
{
    d->status = 200;
    d->range_count = 1;
    d->ranges[0] = (struct range){0, size};
}

void decision_make(const struct request *r, const struct representation *rep, int64_t now,
                   struct decision *ret)
{
    assert(r->method == METHOD_GET || r->method == METHOD_HEAD);
    ret->by = FIELD_OTHER;
    ret->range = DECISION_RANGE_NONE;
    ret->range_count = 0;
    ret->ranges[0] = (struct range){0, 0};
    ret->status = precond_check(r, rep, now, &ret->by);
    if (ret->status)
        return;
    ret->range = apply_range(r, rep, now, ret);
    if (ret->range != DECISION_RANGE_SERVED) {
        take_whole(ret, rep->size);
        return;
    }
    ret->status = ret->range_count ? 206 : 416;
    ret->by = FIELD_RANGE;
}

void decision_send_whole(struct decision *d, uint64_t size)
{
    d->by = FIELD_OTHER;
    d->range = DECISION_RANGE_COSTLY;
    take_whole(d, size);
}
