#include "server/listings.h"

#include "server/conn_types.h"

#include <errno.h>

static enum reason reason_of(int error)
{
    return error == -ENOBUFS ? REASON_LISTING_MEMORY : resource_reason(error);
}

// The reference that the connection has, if it answers the query.
static struct snapshot *take_awaited(struct conn *c, const struct snapshot_query *q)
{
    struct snapshot *one = c->listing;
    if (one && snapshot_answers(one, q)) {
        c->listing = NULL;
        return one;
    }
    listings_leave(c);
    return NULL;
}

struct snapshot *listings_get(struct context *ctx, struct conn *c, const struct snapshot_query *q,
                              enum reason *ret_reason)
{
    struct snapshot *one = take_awaited(c, q);
    if (!one)
        one = snapshots_get(&ctx->snapshots, q, ctx->clock.now);
    *ret_reason = one ? REASON_NONE : REASON_SHORTAGE;
    if (one && one->state != SNAPSHOT_READ) {
        c->listing = one;
        return NULL;
    }
    if (!one || one->error == 0)
        return one;
    *ret_reason = reason_of(one->error);
    snapshots_release(one);
    return NULL;
}

void listings_leave(struct conn *c)
{
    if (c->listing)
        snapshots_release(c->listing);
    c->listing = NULL;
}

void listings_start(struct context *ctx)
{
    struct snapshot *one;
    while ((one = snapshots_next(&ctx->snapshots, ctx->clock.now))) {
        if (readahead_list(&ctx->readahead, one))
            return;
        one->error = -ENOMEM;
        snapshots_done(&ctx->snapshots, one);
    }
}
