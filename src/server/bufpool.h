// Blocks of memory that connections borrow while a request is read or an answer is stuck.
//
// Two sizes: small ones of 4K, kept for the next borrower, and big ones for request heads that do
// not fit, of which only a limited number exists at a time. One pool per event loop, no locks.
#pragma once

#include "base/slice.h"

#include <stdint.h>

enum block_kind { BLOCK_KEPT, BLOCK_COUNTED, BLOCK_SIZED }; // how it goes back

// A block with what it holds: data[start..end).
struct block {
    struct block *next; // in the pool's free list
    uint32_t cap;
    uint32_t start;
    uint32_t end;
    enum block_kind kind;
    char data[];
};

// Bytes of a small block with its header: one page.
#define BLOCK_SMALL 4096u

// Data bytes of a small block.
#define BUFPOOL_SMALL ((uint32_t)(BLOCK_SMALL - sizeof(struct block)))

struct bufpool {
    struct block *free;
    uint32_t free_count;
    uint32_t unused;    // the least free_count since the last bufpool_tick()
    bool freed;         // a block went back to the allocator since then
    uint32_t big_cap;   // data bytes of a big block
    uint32_t big_limit; // big blocks at one time
    uint32_t big_used;
};

void bufpool_init(struct bufpool *p, uint32_t big_cap, uint32_t big_limit);
void bufpool_cleanup(struct bufpool *p);

// An empty block, or NULL without memory.
struct block *bufpool_get(struct bufpool *p);

// An empty big block, or NULL without memory or when the limit is reached.
struct block *bufpool_get_big(struct bufpool *p);

// An empty block of at least `cap` bytes that counts towards no limit: for what is stuck on its
// way out, which the caller bounds. NULL without memory.
struct block *bufpool_get_sized(struct bufpool *p, uint32_t cap);

// Gives a block of any kind back; NULL is fine.
void bufpool_put(struct bufpool *p, struct block *b);

// To be called now and then: gives the blocks that nobody needed since the last call, but for a
// few, back to the system: a burst is not paid for ever.
void bufpool_tick(struct bufpool *p);

static inline struct slice block_slice(const struct block *b)
{
    return (struct slice){b->data + b->start, b->end - b->start};
}
