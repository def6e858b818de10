#include "daemon/generations.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/handover.h"

#include <unistd.h>

static struct generation *generation_of(struct list *link)
{
    return CONTAINER_OF(link, struct generation, link);
}

void generations_init(struct generations *gs)
{
    *gs = (struct generations){.maker.handoff = {-1, -1}, .maker.fdstore.totals = -1};
    handovers_init(&gs->maker.handovers);
    list_init(&gs->list);
    leftovers_init(&gs->maker.leftovers);
}

void generations_cleanup(struct generations *gs)
{
    leftovers_cleanup(&gs->maker.leftovers);
    listener_notes_cleanup(&gs->maker.notes);
    for (size_t i = 0; i < gs->maker.inherited.count; i++)
        close(gs->inherited[i].fd);
    handovers_cleanup(&gs->maker.handovers);
    handovers_close_old(&gs->maker);
}

void generations_add(struct generations *gs, struct generation *g)
{
    gs->last_id = g->id;
    gs->starting = g;
    list_append(&gs->list, &g->link);
}

void generations_each(struct generations *gs, void (*f)(struct generation *))
{
    for (struct list *l = gs->list.next; l != &gs->list; l = l->next)
        f(generation_of(l));
}

void generations_make_unready(struct generations *gs)
{
    log_event(EVENT_DRAINING, NULL, "draining: balancers are told to go elsewhere");
    gs->is_unready = true;
    generations_each(gs, generation_make_unready);
}

void generations_report_totals(struct generations *gs, struct totals_report *ret)
{
    totals_begin(&gs->maker.totals, ret);
    for (struct list *l = gs->list.next; l != &gs->list; l = l->next)
        totals_add(ret, &generation_of(l)->served.scoreboard);
    totals_finish(&gs->maker.totals, ret);
}

void generations_count_workers(const struct generations *gs, unsigned *ret_current,
                               unsigned *ret_ending)
{
    *ret_current = *ret_ending = 0;
    for (struct list *l = gs->list.next; l != &gs->list; l = l->next) {
        const struct generation *g = generation_of(l);
        if (g == gs->current)
            *ret_current += g->alive;
        else if (g->phase == GENERATION_ENDING)
            *ret_ending += g->alive;
    }
}

int64_t generations_drain_time(const struct generations *gs)
{
    int64_t most = 0;
    for (struct list *l = gs->list.next; l != &gs->list; l = l->next)
        most = MAX(most, (int64_t)generation_of(l)->served.conf->timeouts.drain);
    return most + GENERATION_KILL_DELAY;
}
