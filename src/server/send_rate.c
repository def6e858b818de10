#include "server/send_rate.h"

#include "base/util.h"
#include "server/context.h"
#include "sys/transmit.h"

// Bytes that the client has taken, as far as the kernel knows.
static uint64_t taken(const struct conn *c)
{
    uint64_t queued = transmit_queued(c->source.fd);
    return queued < c->sent ? c->sent - queued : 0;
}

// A UNIX socket counts a buffer of some 100K as queued until its last byte is taken. By a rate it
// can be judged all the same: over as many periods as all that is queued may last.
static uint64_t taken_at_most(const struct context *ctx, const struct conn *c)
{
    bool by_rate = ctx->served->conf->limits.send_rate > 0;
    return by_rate && c->over_unix ? c->sent : taken(c);
}

// Whether the client has all that there is: the rest is still being made.
static bool waits_for_us(const struct conn *c)
{
    return c->transfer.source && !c->out && transfer_left(&c->transfer) == 0 && taken(c) == c->sent;
}

// Notes how many bytes the client must have at the next look.
static void demand(const struct context *ctx, struct conn *c)
{
    const struct conf *conf = ctx->served->conf;
    uint64_t least = MAX(conf->limits.send_rate * conf->timeouts.send / 1000, UINT64_C(1));
    c->due = MAX(c->due, taken(c)) + least;
}

void send_rate_begin(const struct context *ctx, struct conn *c)
{
    c->due = 0;
    demand(ctx, c);
}

bool send_rate_is_kept(const struct context *ctx, struct conn *c)
{
    if (waits_for_us(c))
        c->due = 0;
    else if (taken_at_most(ctx, c) < c->due)
        return false;
    demand(ctx, c);
    return true;
}
