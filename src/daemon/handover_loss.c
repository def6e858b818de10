#include "daemon/handover_loss.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/handover.h"

#include <inttypes.h>

static uint64_t sum_taken(const struct handover_loss *l)
{
    struct totals_report report;
    generations_report_totals(l->generations, &report);
    return report.counts.taken;
}

static struct handovers *handovers_watched(const struct handover_loss *l)
{
    return &l->generations->maker.handovers;
}

// Of workers of another image the scoreboard is not known.
static bool has_strangers(const struct generations *gs)
{
    for (struct list *l = gs->list.next; l != &gs->list; l = l->next)
        if (!CONTAINER_OF(l, struct generation, link)->served.scoreboard.places)
            return true;
    return false;
}

static void forget(struct handover_loss *l)
{
    handovers_forget_counts(handovers_watched(l));
    l->taken_before = sum_taken(l);
    l->is_suspected = false;
}

void handover_loss_begin(struct handover_loss *l)
{
    forget(l);
}

uint64_t handover_loss_count(const struct handover_loss *l, uint64_t *ret_sent)
{
    const struct handovers *h = handovers_watched(l);
    uint64_t now = sum_taken(l) - l->taken_before;
    bool settled = handovers_are_settled(h, ret_sent);
    return settled && !h->is_blind && *ret_sent > now ? *ret_sent - now : 0;
}

bool handover_loss_is_open(const struct handover_loss *l)
{
    uint64_t sent;
    bool settled = handovers_are_settled(handovers_watched(l), &sent);
    return !handovers_watched(l)->is_blind && (!settled || handover_loss_count(l, &sent) > 0);
}

void handover_loss_look(struct handover_loss *l)
{
    struct handovers *h = handovers_watched(l);
    uint64_t sent;
    handovers_sweep(h);
    if (!list_is_empty(&h->list))
        return;
    if (!has_strangers(l->generations))
        handovers_close_old(&l->generations->maker);
    uint64_t lost = handover_loss_count(l, &sent);
    if (lost && !l->is_suspected) {
        l->is_suspected = true;
        return;
    }
    if (lost)
        log_event(EVENT_CONNECTIONS_LOST, NULL,
                  "%" PRIu64 " of %" PRIu64 " connections were lost when workers handed them over",
                  lost, sent);
    forget(l);
}
