#include "server/slots.h"

#include "server/conn_types.h"

#include <stdlib.h>

#define CHUNK 64u // slots

void slots_init(struct slots *s, _Atomic uint32_t *shown)
{
    *s = (struct slots){.shown = shown};
}

void slots_cleanup(struct slots *s)
{
    for (size_t i = 0; i < s->chunk_count; i++)
        free(s->chunks[i]);
    free(s->chunks);
}

static bool add_chunk(struct slots *s)
{
    struct conn **chunks = realloc(s->chunks, (s->chunk_count + 1) * sizeof(*chunks));
    if (!chunks)
        return false;
    s->chunks = chunks;
    struct conn *chunk = calloc(CHUNK, sizeof(*chunk));
    if (!chunk)
        return false;
    chunks[s->chunk_count++] = chunk;
    for (size_t i = 0; i < CHUNK; i++) {
        chunk[i].next_free = s->free;
        s->free = &chunk[i];
    }
    return true;
}

bool slots_has_free(struct slots *s)
{
    return s->free || add_chunk(s);
}

static void count_taken(struct slots *s, uint32_t taken)
{
    s->taken = taken;
    atomic_store_explicit(s->shown, taken, memory_order_relaxed);
}

struct conn *slots_take(struct slots *s)
{
    if (!slots_has_free(s))
        return NULL;
    struct conn *c = s->free;
    s->free = c->next_free;
    count_taken(s, s->taken + 1);
    return c;
}

void slots_give(struct slots *s, struct conn *c)
{
    c->next_free = s->closed;
    s->closed = c;
    count_taken(s, s->taken - 1);
}

void slots_reuse(struct slots *s)
{
    while (s->closed) {
        struct conn *c = s->closed;
        s->closed = c->next_free;
        c->next_free = s->free;
        s->free = c;
    }
}

size_t slots_count(const struct slots *s)
{
    return s->chunk_count * CHUNK;
}

struct conn *slots_at(const struct slots *s, size_t number)
{
    return &s->chunks[number / CHUNK][number % CHUNK];
}
