#include "server/conn_check.h"

#include "server/asking.h"
#include "server/conn_types.h"

#include <assert.h>

// The things that a connection may hold, and must hold.
enum holding {
    INPUT = 1,    // bytes received
    ANSWER = 2,   // an answer under way
    READING = 4,  // a reading of the disk
    ENDING = 8,   // the end of the connection, told or heard
    LISTING = 16, // a directory that is being read
    ASKING = 32   // a wait for a file system that may not answer
};

static const struct {
    uint8_t may, must;
} holdings[CONN_STATES] = {
    [CONN_FREE] = {ENDING, 0},
    [CONN_HEAD] = {INPUT, 0},
    [CONN_IDLE] = {0, 0},
    [CONN_LAST] = {0, 0},
    [CONN_BODY] = {INPUT, INPUT},
    [CONN_SEND] = {INPUT | ANSWER | LISTING | ASKING | ENDING, ANSWER},
    [CONN_DISK] = {INPUT | ANSWER | READING | ENDING, ANSWER | READING},
    [CONN_ROOT] = {INPUT | ENDING, INPUT},
    [CONN_ASKED] = {INPUT | LISTING | ASKING | ENDING, INPUT | ASKING},
    [CONN_LISTING] = {INPUT | LISTING | ASKING | ENDING, INPUT | LISTING},
    [CONN_LINGER] = {ENDING, 0},
    [CONN_PROXY] = {INPUT, 0},
};

static unsigned held(const struct conn *c)
{
    bool answer = c->out || transfer_is_active(&c->transfer);
    return (c->in ? INPUT : 0u) | (answer ? ANSWER : 0u) | (c->transfer.reading ? READING : 0u) |
           (c->state != CONN_FREE && c->listing ? LISTING : 0u) | (c->asking ? ASKING : 0u) |
           (c->eof || c->ending != CONN_STAYS ? ENDING : 0u);
}

static void check_holdings(const struct conn *c)
{
    assert(c->state < CONN_STATES);
    assert((held(c) & ~(unsigned)holdings[c->state].may) == 0);
    assert((held(c) & holdings[c->state].must) == holdings[c->state].must);
}

// An empty one is given back.
static void check_block(const struct block *b)
{
    assert(!b || (b->start < b->end && b->end <= b->cap));
}

static void check_input(const struct conn *c)
{
    uint32_t len = c->in ? c->in->end - c->in->start : 0;
    check_block(c->in);
    assert(c->scan.pos <= len || c->state == CONN_LINGER); // nothing is scanned any more
    if (c->state == CONN_HEAD || c->state == CONN_PROXY)   // room for the next receive
        assert(!c->in || len < c->in->cap);
    if (c->state == CONN_BODY) {
        assert(c->scan.pos > 0 && c->content == CONTENT_MORE);
        assert(body_wanted(&c->body) > 0);
    }
}

static void check_transfer(const struct conn *c)
{
    const struct transfer *t = &c->transfer;
    check_block(t->record);
    assert(t->offset <= t->end);
    assert(t->file || transfer_left(t) == 0);
    assert(transfer_left(t) <= t->length);
    if (t->reading)
        assert(t->file && t->reading->conn == c);
}

static void check_output(const struct context *ctx, const struct conn *c)
{
    bool is_answer = c->state == CONN_SEND || c->state == CONN_DISK;
    check_block(c->out);
    assert(ctx->output.gathered == 0); // what is left there goes to the next connection
    if (is_answer) {
        assert(c->out || c->transfer.source || transfer_left(&c->transfer) > 0);
        assert(c->resume == CONN_HEAD || (c->resume == CONN_BODY && c->in));
    }
    assert(c->inflight == 0 ||
           ((is_answer || c->state == CONN_LISTING || c->state == CONN_ASKED) &&
            c->inflight < INFLIGHT_MAX && ctx->notes->inflight.entries[c->inflight].is_used));
}

// One whose wait is over goes on at once: nothing else would wake it.
static void check_wait(const struct context *ctx, const struct conn *c)
{
    if (c->state == CONN_LISTING)
        assert(c->listing->state != SNAPSHOT_READ && !asking_waits(ctx, c));
    if (c->state == CONN_ASKED)
        assert(asking_waits(ctx, c) && !asking_is_over(ctx, c));
}

static int64_t since_of_link(const struct list *link)
{
    return ((const struct deadline *)((const char *)link - offsetof(struct deadline, link)))->since;
}

// In the list of its class, which is in order of time.
static void check_deadline(const struct context *ctx, const struct deadline *d,
                           enum deadline_class class)
{
    assert(d->class == class);
    assert(list_is_empty(&d->link) == (class == DEADLINE_NONE));
    if (class == DEADLINE_NONE)
        return;
    const struct list *all = &ctx->deadlines.lists[class];
    assert(ctx->deadlines.counts[class] > 0);
    assert(d->link.prev->next == &d->link && d->link.next->prev == &d->link);
    assert(d->link.prev == all || since_of_link(d->link.prev) <= d->since);
    assert(d->link.next == all || since_of_link(d->link.next) >= d->since);
    assert(d->since <= ctx->clock.now);
}

void conn_check_now(const struct context *ctx, const struct conn *c, uint32_t interest,
                    enum deadline_class class)
{
    check_holdings(c);
    check_deadline(ctx, &c->deadline, class);
    assert(c->interest == interest);
    assert(c->source.kind == SOURCE_CONN);
    assert((c->source.fd < 0) == (c->state == CONN_FREE));
    if (c->state == CONN_FREE)
        return;
    check_input(c);
    check_transfer(c);
    check_output(ctx, c);
    check_wait(ctx, c);
}
