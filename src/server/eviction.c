#include "server/eviction.h"

#include "base/util.h"
#include "server/conn_types.h"
#include "server/context.h"
#include "server/proxies.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void eviction_init(struct eviction *e)
{
    *e = (struct eviction){.made = INT64_MIN / 2, .spent = UINT64_MAX};
    if (getrandom(&e->key, sizeof(e->key), GRND_NONBLOCK) < 0)
        e->key = (struct siphash_key){{(uintptr_t)e, 0}}; // early at boot
}

// ---- who may go --------------------------------------------------------------------------------

static struct conn *first_of(const struct context *ctx, enum deadline_class class)
{
    struct deadline *d = deadlines_oldest(&ctx->deadlines, class);
    return d ? CONTAINER_OF(d, struct conn, deadline) : NULL;
}

static struct conn *next_of(const struct context *ctx, const struct conn *c)
{
    struct deadline *d = deadlines_after(&ctx->deadlines, &c->deadline);
    return d ? CONTAINER_OF(d, struct conn, deadline) : NULL;
}

static int64_t age_of(const struct context *ctx, const struct conn *c)
{
    return ctx->clock.now - c->deadline.since;
}

// The connection that was silent for longest since it was accepted, or NULL.
static struct conn *find_silent(const struct context *ctx)
{
    struct conn *c = first_of(ctx, DEADLINE_FIRST);
    for (unsigned i = 0; c && c->in; i++)
        c = i < EVICTION_LOOK ? next_of(ctx, c) : NULL;
    return c && age_of(ctx, c) >= EVICTION_SILENT ? c : NULL;
}

// One of FIRST may go at once: it has been advanced since it was accepted.
static bool is_old_enough(const struct context *ctx, const struct conn *c)
{
    return c->deadline.class != DEADLINE_IDLE || age_of(ctx, c) >= EVICTION_IDLE;
}

// Bytes that were not looked at yet may be a whole request.
static bool has_news(const struct conn *c)
{
    return c->in && c->in->end - c->in->start > c->scan.pos;
}

// The next after `c` (NULL: the first) of a class that waits, or NULL.
static struct conn *find_next(const struct context *ctx, const struct conn *c,
                              enum deadline_class class)
{
    struct conn *next = c ? next_of(ctx, c) : first_of(ctx, class);
    while (next && has_news(next))
        next = next_of(ctx, next);
    return next && is_old_enough(ctx, next) ? next : NULL;
}

// ---- counting by client ------------------------------------------------------------------------

struct client_count {
    uint64_t client; // 0: free
    uint32_t connections;
};

struct client_table {
    struct client_count *places;
    size_t mask;
};

// A number for the peer's address or /64; 0: the peer has none, or has them for others.
static uint64_t client_of(const struct eviction *e, const struct context *ctx,
                          const struct sockaddr_in6 *peer)
{
    uint64_t numbers[2] = {peer->sin6_family, 0};
    if (proxies_has(&ctx->served->proxies, peer))
        return 0;
    if (peer->sin6_family == AF_INET)
        numbers[1] = ((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr;
    else if (peer->sin6_family == AF_INET6)
        memcpy(&numbers[1], &peer->sin6_addr, sizeof(numbers[1]));
    else
        return 0;
    return siphash_numbers(&e->key, numbers, 2) | 1;
}

// Its place, which is free when the client was not counted yet. There is always a free one.
static struct client_count *find_client(const struct client_table *t, uint64_t client)
{
    size_t i = (size_t)(client >> 1) & t->mask;
    while (t->places[i].client && t->places[i].client != client)
        i = (i + 1) & t->mask;
    return &t->places[i];
}

static const enum deadline_class counted[] = {DEADLINE_IDLE, DEADLINE_FIRST};

// False: no memory.
static bool count_clients(const struct eviction *e, const struct context *ctx,
                          struct client_table *ret)
{
    size_t size = 2;
    while (size < 2 * ((size_t)ctx->deadlines.counts[DEADLINE_IDLE] +
                       ctx->deadlines.counts[DEADLINE_FIRST]))
        size *= 2;
    *ret = (struct client_table){calloc(size, sizeof(*ret->places)), size - 1};
    if (!ret->places)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
        struct conn *c = NULL;
        while ((c = find_next(ctx, c, counted[i]))) {
            uint64_t client = client_of(e, ctx, &c->client);
            struct client_count *place = client ? find_client(ret, client) : NULL;
            if (place)
                *place = (struct client_count){client, place->connections + 1};
        }
    }
    return true;
}

// How many connections a client may keep: as many as the second has, or one less than all that have
// most. Some more go at once where they have very many, lest all are counted for each newcomer. At
// least one: that of a client with no other stays as long as any other's.
static uint32_t level_of(const struct client_table *t)
{
    uint32_t most = 0, second = 0;
    for (size_t i = 0; i <= t->mask; i++) {
        uint32_t n = t->places[i].connections;
        if (n > most) {
            second = most;
            most = n;
        } else if (n > second) {
            second = n;
        }
    }
    uint32_t level = MIN(second, most - MIN(most, 1 + most / 16));
    return MAX(level, 1u);
}

static void make_eviction_plan(struct eviction *e, const struct context *ctx)
{
    struct client_table table;
    e->count = e->next = 0;
    e->made = ctx->clock.now;
    if (!count_clients(e, ctx, &table))
        return;
    uint32_t level = level_of(&table);
    for (size_t i = 0; i < ARRAY_SIZE(counted); i++) {
        struct conn *c = NULL;
        while (e->count < EVICTION_PLAN && (c = find_next(ctx, c, counted[i]))) {
            struct client_count *place = find_client(&table, client_of(e, ctx, &c->client));
            if (place->connections <= level)
                continue;
            place->connections--;
            e->plan[e->count++] = (struct eviction_choice){c, c->deadline.since};
        }
    }
    free(table.places);
}

static bool does_wait(const struct eviction_choice *choice)
{
    const struct conn *c = choice->conn;
    return (c->deadline.class == DEADLINE_IDLE || c->deadline.class == DEADLINE_FIRST) &&
           c->deadline.since == choice->since && !has_news(c);
}

// The first one of the plan that may go for `client`, or NULL. Those that may go for others only
// stay in it.
static struct conn *follow_plan(struct eviction *e, const struct context *ctx, uint64_t client)
{
    if (ctx->clock.now - e->made >= EVICTION_HOLDS)
        return NULL;
    while (e->next < e->count && !does_wait(&e->plan[e->next]))
        e->next++;
    for (size_t i = e->next; i < e->count; i++) {
        struct conn *c = e->plan[i].conn;
        if (does_wait(&e->plan[i]) &&
            (!c->in || (client && client_of(e, ctx, &c->client) != client)))
            return c;
    }
    return NULL;
}

// ---- the choice --------------------------------------------------------------------------------

static struct conn *find_planned(struct eviction *e, const struct context *ctx, uint64_t client)
{
    struct conn *c = follow_plan(e, ctx, client);
    bool is_used_up = e->count && e->next == e->count;
    if (c || (!is_used_up && ctx->clock.now - e->made < EVICTION_NONE_HOLDS))
        return c;
    make_eviction_plan(e, ctx);
    return follow_plan(e, ctx, client);
}

// The first of the same client that has not asked yet, or NULL: there is none among the oldest.
static struct conn *find_own(const struct eviction *e, const struct context *ctx, uint64_t client)
{
    struct conn *c = client ? find_next(ctx, NULL, DEADLINE_FIRST) : NULL;
    for (unsigned i = 0; c && client_of(e, ctx, &c->client) != client; i++)
        c = i < EVICTION_LOOK ? find_next(ctx, c, DEADLINE_FIRST) : NULL;
    return c;
}

struct conn *eviction_choose(struct eviction *e, const struct context *ctx,
                             const struct sockaddr_in6 *peer)
{
    uint64_t client = peer ? client_of(e, ctx, peer) : 0;
    struct conn *c = find_silent(ctx);
    if (!c)
        c = find_planned(e, ctx, client);
    if (c)
        return c;
    c = find_own(e, ctx, client);
    if (c)
        return c->in ? NULL : c;
    e->spent = ctx->turns.round;
    return find_next(ctx, NULL, DEADLINE_IDLE);
}

bool eviction_waits(const struct eviction *e, const struct context *ctx)
{
    return e->spent == ctx->turns.round;
}
