#include "server/deadline.h"

#include "base/util.h"

void deadlines_init(struct deadlines *d, const int64_t timeouts[static DEADLINE_CLASSES])
{
    for (size_t i = 0; i < DEADLINE_CLASSES; i++) {
        list_init(&d->lists[i]);
        d->timeouts[i] = timeouts[i];
        d->counts[i] = 0;
    }
}

void deadline_init(struct deadline *one)
{
    list_init(&one->link);
    one->since = 0;
    one->class = DEADLINE_NONE;
}

static void leave(struct deadlines *d, struct deadline *one)
{
    list_remove(&one->link);
    if (one->class != DEADLINE_NONE)
        d->counts[one->class]--;
}

void deadline_set(struct deadlines *d, struct deadline *one, enum deadline_class class, int64_t now)
{
    leave(d, one);
    one->class = class;
    one->since = now;
    if (class == DEADLINE_NONE)
        return;
    d->counts[class]++;
    list_append(&d->lists[class], &one->link);
}

void deadline_set_since(struct deadlines *d, struct deadline *one, enum deadline_class class,
                        int64_t since)
{
    struct list *after = d->lists[class].prev;
    while (after != &d->lists[class] && CONTAINER_OF(after, struct deadline, link)->since > since)
        after = after->prev;
    leave(d, one);
    d->counts[class]++;
    one->class = class;
    one->since = since;
    list_append(after->next, &one->link); // before the one that follows
}

struct deadline *deadlines_oldest(const struct deadlines *d, enum deadline_class class)
{
    struct list *first = list_first(&d->lists[class]);
    return first ? CONTAINER_OF(first, struct deadline, link) : NULL;
}

struct deadline *deadlines_after(const struct deadlines *d, const struct deadline *one)
{
    struct list *next = one->link.next;
    return next == &d->lists[one->class] ? NULL : CONTAINER_OF(next, struct deadline, link);
}

int64_t deadlines_next(const struct deadlines *d)
{
    int64_t next = -1;
    for (size_t i = 0; i < DEADLINE_CLASSES; i++) {
        const struct deadline *first = deadlines_oldest(d, i);
        if (first && (next < 0 || first->since + d->timeouts[i] < next))
            next = first->since + d->timeouts[i];
    }
    return next;
}

struct deadline *deadlines_expired(const struct deadlines *d, int64_t now)
{
    for (size_t i = 0; i < DEADLINE_CLASSES; i++) {
        struct deadline *first = deadlines_oldest(d, i);
        if (first && first->since + d->timeouts[i] <= now)
            return first;
    }
    return NULL;
}
