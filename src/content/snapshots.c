#include "content/snapshots.h"

#include "base/util.h"

void snapshots_init(struct snapshots *s, struct budget *memory)
{
    *s = (struct snapshots){.memory = memory};
    list_init(&s->shared);
}

static struct snapshot *snapshot_of(struct list *link)
{
    return CONTAINER_OF(link, struct snapshot, link);
}

static void drop_snapshot(struct snapshot *one)
{
    list_remove(&one->link);
    if (one->references > 0)
        return;
    snapshot_free(one);
}

void snapshots_cleanup(struct snapshots *s)
{
    struct list *first;
    while ((first = list_first(&s->shared)))
        drop_snapshot(snapshot_of(first));
    if (s->reading && !s->reading->is_wanted)
        drop_snapshot(s->reading);
}

static bool is_young_snapshot(const struct snapshot *one, int64_t now)
{
    return one->is_settled && now - one->begun < SNAPSHOTS_YOUNG;
}

static bool is_fresh(const struct snapshot *one, int64_t now)
{
    if (one->state != SNAPSHOT_READ)
        return true;
    return one->tree->is_local && is_young_snapshot(one, now) && snapshot_is_current(one);
}

struct snapshot *snapshots_get(struct snapshots *s, const struct snapshot_query *q, int64_t now)
{
    struct list *next;
    struct snapshot *one = NULL;
    for (struct list *l = s->shared.next; l != &s->shared && !one; l = next) {
        next = l->next;
        one = snapshot_answers(snapshot_of(l), q) ? snapshot_of(l) : NULL;
        if (one && !is_fresh(one, now)) {
            drop_snapshot(one);
            one = NULL;
        }
    }
    if (!one) {
        one = snapshot_new(q);
        if (!one)
            return NULL;
        list_append(&s->shared, &one->link);
    }
    one->references++;
    return one;
}

void snapshots_release(struct snapshot *one)
{
    bool is_shared = !list_is_empty(&one->link);
    if (--one->references > 0)
        return;
    if (one->state == SNAPSHOT_READING) { // freed when the thread is done with it
        one->is_wanted = false;
        list_remove(&one->link);
    } else if (one->state == SNAPSHOT_QUEUED || !is_shared) {
        drop_snapshot(one);
    }
}

static void drop_unused(struct snapshots *s)
{
    struct list *next;
    for (struct list *l = s->shared.next; l != &s->shared; l = next) {
        next = l->next;
        if (snapshot_of(l)->state == SNAPSHOT_READ && snapshot_of(l)->references == 0)
            drop_snapshot(snapshot_of(l));
    }
}

struct snapshot *snapshots_next(struct snapshots *s, int64_t now)
{
    if (s->reading)
        return NULL;
    for (struct list *l = s->shared.next; l != &s->shared; l = l->next) {
        struct snapshot *one = snapshot_of(l);
        if (one->state != SNAPSHOT_QUEUED)
            continue;
        if (budget_used(s->memory) > s->memory->limit / 2)
            drop_unused(s);
        one->state = SNAPSHOT_READING;
        one->begun = now;
        one->memory = s->memory;
        s->reading = one;
        return one;
    }
    return NULL;
}

void snapshots_done(struct snapshots *s, struct snapshot *one)
{
    s->reading = NULL;
    one->state = SNAPSHOT_READ;
    if (!one->is_settled || !one->is_wanted)
        drop_snapshot(one);
}

void snapshots_tick(struct snapshots *s, int64_t now)
{
    struct list *next;
    for (struct list *l = s->shared.next; l != &s->shared; l = next) {
        next = l->next;
        if (snapshot_of(l)->state == SNAPSHOT_READ && !is_young_snapshot(snapshot_of(l), now))
            drop_snapshot(snapshot_of(l));
    }
}
