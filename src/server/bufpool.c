#include "server/bufpool.h"

#include <stdlib.h>

// More than these are given back to the allocator: a burst must not be paid for ever.
#define FREE_MAX 256u

#define SMALL_CAP ((uint32_t)(BLOCK_SMALL - sizeof(struct block)))

void bufpool_init(struct bufpool *p, uint32_t big_cap, uint32_t big_limit)
{
    *p = (struct bufpool){.big_cap = big_cap, .big_limit = big_limit};
}

void bufpool_cleanup(struct bufpool *p)
{
    while (p->free) {
        struct block *b = p->free;
        p->free = b->next;
        free(b);
    }
}

static struct block *make(uint32_t cap, enum block_kind kind)
{
    struct block *b = malloc(sizeof(*b) + cap);
    if (b) {
        b->next = NULL;
        b->cap = cap;
        b->kind = kind;
        b->start = b->end = 0;
    }
    return b;
}

struct block *bufpool_get(struct bufpool *p)
{
    struct block *b = p->free;
    if (!b)
        return make(SMALL_CAP, BLOCK_KEPT);
    p->free = b->next;
    p->free_count--;
    b->start = b->end = 0;
    return b;
}

struct block *bufpool_get_big(struct bufpool *p)
{
    struct block *b = p->big_used < p->big_limit ? make(p->big_cap, BLOCK_COUNTED) : NULL;
    if (b)
        p->big_used++;
    return b;
}

struct block *bufpool_get_sized(struct bufpool *p, uint32_t cap)
{
    return cap <= SMALL_CAP ? bufpool_get(p) : make(cap, BLOCK_SIZED);
}

void bufpool_put(struct bufpool *p, struct block *b)
{
    if (!b)
        return;
    if (b->kind == BLOCK_COUNTED)
        p->big_used--;
    if (b->kind != BLOCK_KEPT || p->free_count >= FREE_MAX) {
        free(b);
        return;
    }
    b->next = p->free;
    p->free = b;
    p->free_count++;
}
