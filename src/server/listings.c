#include "server/listings.h"

#include "server/asking.h"
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
    struct snapshots *all = asking_snapshots(ctx, q->route->tree);
    struct snapshot *one = take_awaited(c, q);
    if (!one)
        one = snapshots_get(all, q, ctx->clock.now);
    *ret_reason = one ? REASON_NONE : REASON_SHORTAGE;
    if (one && one->state != SNAPSHOT_READ && !ctx->is_late) {
        c->listing = one;
        return NULL;
    }
    if (one && one->state != SNAPSHOT_READ) {
        snapshots_release(one);
        *ret_reason = REASON_ROOT_SILENT;
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

static void start_reading(struct context *ctx, struct snapshots *all, struct askers *askers)
{
    struct snapshot *one;
    while ((one = snapshots_next(all, ctx->clock.now))) {
        if (readahead_list(&ctx->readahead, one, askers))
            return;
        one->error = -ENOMEM;
        snapshots_done(all, one);
    }
}

void listings_start(struct context *ctx)
{
    start_reading(ctx, &ctx->snapshots, NULL);
    for (size_t i = 0; i < ctx->questions.fs_count; i++)
        if (ctx->questions.fs[i].askers)
            start_reading(ctx, &ctx->far_snapshots[i], ctx->questions.fs[i].askers);
}
