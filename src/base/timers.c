#include "base/timers.h"

#include "base/util.h"

static struct timer *timer_of(struct list *link)
{
    return CONTAINER_OF(link, struct timer, link);
}

void timers_init(struct timers *ts)
{
    list_init(&ts->list);
}

void timers_make(struct timer *t, timers_cb *due, void *context)
{
    *t = (struct timer){.due = due, .context = context};
    list_init(&t->link);
}

void timers_set(struct timers *ts, struct timer *t, int64_t when)
{
    struct list *next = &ts->list;
    list_remove(&t->link);
    t->when = when;
    // From the end: most are set to a time later than all others.
    while (next->prev != &ts->list && timer_of(next->prev)->when > when)
        next = next->prev;
    list_append(next, &t->link);
}

void timers_cancel(struct timer *t)
{
    if (t->link.next)
        list_remove(&t->link);
}

bool timers_is_set(const struct timer *t)
{
    return t->link.next && !list_is_empty(&t->link);
}

int64_t timers_next(const struct timers *ts)
{
    struct list *first = list_first(&ts->list);
    return first ? timer_of(first)->when : -1;
}

void timers_run(struct timers *ts, int64_t now)
{
    struct list due, *first;
    list_init(&due);
    while ((first = list_first(&ts->list)) && timer_of(first)->when <= now)
        list_move(&due, first);
    while ((first = list_first(&due))) {
        struct timer *t = timer_of(first);
        list_remove(first);
        t->due(t->context);
    }
}
