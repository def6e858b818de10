#include "server/bufpool.h"

#include "base/util.h"

#include <malloc.h>
#include <stdlib.h>

// More than these are given back to the allocator at once.
#define FREE_MAX 256u

// So many stay in any case: the next clients of a quiet server are not to wait for memory.
#define FREE_MIN 16u

void bufpool_init(struct bufpool *p, uint32_t big_cap, uint32_t big_limit)
{
    *p = (struct bufpool){.big_cap = big_cap, .big_limit = big_limit};
}

static void give_back(struct bufpool *p, struct block *b)
{
    free(b);
    p->freed = true;
}

// Takes a block off the free list, which has one.
static struct block *take_block(struct bufpool *p)
{
    struct block *b = p->free;
    p->free = b->next;
    p->free_count--;
    p->unused = MIN(p->unused, p->free_count);
    return b;
}

void bufpool_cleanup(struct bufpool *p)
{
    while (p->free)
        free(take_block(p));
}

static struct block *make_block(uint32_t cap, enum block_kind kind)
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
    if (!p->free)
        return make_block(BUFPOOL_SMALL, BLOCK_KEPT);
    struct block *b = take_block(p);
    b->start = b->end = 0;
    return b;
}

struct block *bufpool_get_big(struct bufpool *p)
{
    struct block *b = p->big_used < p->big_limit ? make_block(p->big_cap, BLOCK_COUNTED) : NULL;
    if (b)
        p->big_used++;
    return b;
}

struct block *bufpool_get_sized(struct bufpool *p, uint32_t cap)
{
    return cap <= BUFPOOL_SMALL ? bufpool_get(p) : make_block(cap, BLOCK_SIZED);
}

void bufpool_put(struct bufpool *p, struct block *b)
{
    if (!b)
        return;
    if (b->kind == BLOCK_COUNTED)
        p->big_used--;
    if (b->kind != BLOCK_KEPT || p->free_count >= FREE_MAX) {
        give_back(p, b);
        return;
    }
    b->next = p->free;
    p->free = b;
    p->free_count++;
}

void bufpool_tick(struct bufpool *p)
{
    uint32_t count = MIN(p->unused, p->free_count - MIN(p->free_count, FREE_MIN));
    for (uint32_t i = 0; i < count; i++)
        give_back(p, take_block(p));
    p->unused = p->free_count;
#if defined HAVE_MALLOC_TRIM && !defined SANITIZED
    // Blocks lie between slots that stay: without this only the end of the heap would go back.
    // (The heap of a sanitizer is another; that of the C library is then made by the first call of
    // malloc_trim(), which two threads must not do at once.)
    if (p->freed)
        malloc_trim(0);
#endif
    p->freed = false;
}
