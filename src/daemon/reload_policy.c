#include "daemon/reload_policy.h"

#include "base/util.h"

void reload_policy_begin(struct reload_policy *p, bool is_busy, int64_t ports_busy_until,
                         int64_t now)
{
    *p = (struct reload_policy){
        .now = now, .is_busy = is_busy, .room_at = MAX(now, ports_busy_until)};
}

void reload_policy_add(struct reload_policy *p, bool is_ending, int64_t ended_at)
{
    int64_t handed_at = ended_at + RELOAD_POLICY_HANDING;
    bool is_handing = is_ending && p->now < handed_at;
    p->generations++;
    p->handing += is_handing;
    if (is_handing && p->handing >= RELOAD_POLICY_HANDING_MAX)
        p->room_at = MAX(p->room_at, handed_at);
    if (is_ending) {
        p->has_ending = true;
        p->oldest_handing = is_handing;
    }
}

int64_t reload_policy_start_at(const struct reload_policy *p)
{
    return p->is_busy ? -1 : p->room_at;
}

bool reload_policy_must_cut(const struct reload_policy *p)
{
    return p->generations >= RELOAD_POLICY_GENERATIONS_MAX && p->has_ending && !p->oldest_handing;
}
