#include "content/sieve.h"

#include "base/util.h"

void sieve_init(struct sieve *s)
{
    list_init(&s->items);
    s->hand = &s->items;
}

void sieve_add(struct sieve *s, struct sieve_item *item)
{
    item->wanted = false;
    list_append(&s->items, &item->link);
}

void sieve_remove(struct sieve *s, struct sieve_item *item)
{
    if (s->hand == &item->link)
        s->hand = item->link.next;
    list_remove(&item->link);
}

struct sieve_item *sieve_next(struct sieve *s)
{
    if (list_is_empty(&s->items))
        return NULL;
    // In the second turn at the latest nothing is wanted any more.
    for (;; s->hand = s->hand->next) {
        if (s->hand == &s->items)
            continue;
        struct sieve_item *item = CONTAINER_OF(s->hand, struct sieve_item, link);
        if (!item->wanted)
            return item;
        item->wanted = false;
    }
}
