#include "daemon/supervise.h"

#include "base/util.h"

bool supervise_is_due(const struct supervise *s, int64_t now)
{
    return s->phase == SUPERVISE_WANTED && now >= s->due;
}

int64_t supervise_next(const struct supervise *s)
{
    return s->phase == SUPERVISE_WANTED ? s->due : -1;
}

// Multiples of the golden ratio, of which only the fraction counts, are spread evenly however many
// they are.
static uint64_t spread_limit(uint64_t limit, uint32_t number)
{
    uint64_t fraction = (number * UINT32_C(2654435769)) >> 16; // of 65536
    return limit - limit / 4 * fraction / 65536;
}

bool supervise_is_due_for_recycling(const struct supervise *s,
                                    const struct supervise_limits *limits, uint64_t requests,
                                    uint32_t number, int64_t now)
{
    if (s->phase != SUPERVISE_READY)
        return false;
    return (limits->requests && requests >= spread_limit(limits->requests, number)) ||
           (limits->age &&
            now - s->ready_at >= (int64_t)spread_limit((uint64_t)limits->age, number));
}

void supervise_started(struct supervise *s)
{
    s->phase = SUPERVISE_STARTING;
}

void supervise_ready(struct supervise *s, int64_t now)
{
    if (s->phase != SUPERVISE_STARTING)
        return;
    s->phase = SUPERVISE_READY;
    s->ready_at = now;
}

static int64_t delay(unsigned failures)
{
    unsigned doublings = MIN(failures - 1, 16u);
    return MIN((int64_t)SUPERVISE_FIRST_DELAY << doublings, (int64_t)SUPERVISE_MAX_DELAY);
}

void supervise_died(struct supervise *s, int64_t now)
{
    if (s->phase == SUPERVISE_RETIRED)
        return;
    bool was_ready = s->phase == SUPERVISE_READY;
    int64_t served = was_ready ? now - s->ready_at : 0;
    if (served >= SUPERVISE_HEALTHY)
        s->failures = 0;
    if (was_ready && served >= SUPERVISE_TOO_SOON) {
        s->due = now;
    } else {
        s->failures++;
        s->due = now + delay(s->failures);
    }
    s->phase = SUPERVISE_WANTED;
}

void supervise_retire(struct supervise *s)
{
    s->phase = SUPERVISE_RETIRED;
}
