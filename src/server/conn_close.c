#include "server/conn_close.h"

#include "server/asking.h"
#include "server/conn_check.h"
#include "server/conn_types.h"
#include "server/context.h"
#include "server/listings.h"
#include "server/requestlog.h"

#include <assert.h>
#include <unistd.h>

// Gives back what the connection holds, and the slot.
static void let_go(struct context *ctx, struct conn *c)
{
    transfer_finish(&c->transfer, &ctx->pool);
    listings_leave(c);
    asking_leave(ctx, c);
    bufpool_put(&ctx->pool, c->in);
    bufpool_put(&ctx->pool, c->out);
    c->in = c->out = NULL;
    inflight_drop(&ctx->notes->inflight, c->inflight);
    deadline_set(&ctx->deadlines, &c->deadline, DEADLINE_NONE, ctx->clock.now);
    close(c->source.fd); // of this process the only one: the poller forgets it by itself
    c->source.fd = -1;
    c->interest = 0;
    c->state = CONN_FREE;
    conn_check(ctx, c, 0, DEADLINE_NONE);
    slots_give(&ctx->slots, c);
}

void conn_close(struct context *ctx, struct conn *c, enum conn_close reason)
{
    scoreboard_add(&ctx->slot->closed[reason], 1);
    if (transfer_is_active(&c->transfer))
        requestlog_finish(ctx, c, NULL);
    let_go(ctx, c);
}

void conn_close_handed(struct context *ctx, struct conn *c)
{
    assert(c->interest == 0);
    scoreboard_add(&ctx->slot->closed[CONN_CLOSE_HANDED], 1);
    let_go(ctx, c);
}
