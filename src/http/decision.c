#include "http/decision.h"

#include "http/precond.h"
#include "http/range.h"

#include <assert.h>

void decision_make(const struct request *r, const struct representation *rep, int64_t now,
                   struct decision *ret)
{
    assert(r->method == METHOD_GET || r->method == METHOD_HEAD);
    struct range range = {0, 0};
    size_t count = 1;
    struct slice value;
    int status = precond_check(r, rep, now);
    if (status) {
        *ret = (struct decision){.status = status};
        return;
    }
    // Step 5 of section 13.2.2.
    enum range_result result = RANGE_IGNORED;
    if (r->method == METHOD_GET && request_single_field(r, FIELD_RANGE, &value) &&
        precond_allows_range(r, rep, now))
        result = range_parse(value, rep->size, &range, &count);

    const struct decision decisions[] = {
        [RANGE_IGNORED] = {200, 0, rep->size},
        [RANGE_SATISFIABLE] = {206, range.offset, range.length},
        [RANGE_UNSATISFIABLE] = {416, 0, 0},
    };
    *ret = decisions[result];
}
