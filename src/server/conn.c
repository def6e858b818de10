#include "server/conn.h"

#include "base/util.h"
#include "server/asking.h"
#include "server/conn_check.h"
#include "server/conn_close.h"
#include "server/conn_input.h"
#include "server/conn_proxy.h"
#include "server/conn_step.h"
#include "server/context.h"
#include "server/listings.h"
#include "server/output.h"
#include "server/send_rate.h"

#include <sys/socket.h>

// An idle connection must stay cheap: docs and tests promise it.
_Static_assert(sizeof(struct conn) <= 256, "a connection's slot is at most 256 bytes");

void conn_open(struct conn *c, int fd, const struct sockaddr_in6 *peer, size_t listener,
               int64_t now)
{
    *c = (struct conn){
        .source = {SOURCE_CONN, fd},
        .state = CONN_HEAD,
        .over_unix = peer->sin6_family == AF_UNIX,
        .client = *peer,
        .listener = (uint16_t)listener,
        .opened = now,
    };
    deadline_init(&c->deadline);
}

// ---- deadlines ---------------------------------------------------------------------------------

static void expire_last(struct context *ctx, struct conn *c)
{
    if (c->requests == 0) { // nothing was sent that a reset could destroy
        conn_close(ctx, c, CONN_CLOSE_STOP);
        return;
    }
    shutdown(c->source.fd, SHUT_WR);
    c->state = CONN_LINGER;
}

static void expire_silence(struct context *ctx, struct conn *c)
{
    conn_close(ctx, c, CONN_CLOSE_TIMEOUT);
}

// Of a file far away: the answer is cut.
static void expire_content(struct context *ctx, struct conn *c)
{
    conn_close(ctx, c, CONN_CLOSE_TIMEOUT);
}

static void stay_in_state(struct context *ctx, struct conn *c)
{
    (void)ctx;
    (void)c;
}

static void expire_send(struct context *ctx, struct conn *c)
{
    if (send_rate_is_kept(ctx, c))
        deadline_set(&ctx->deadlines, &c->deadline, DEADLINE_SEND, ctx->clock.now);
    else
        conn_close(ctx, c, CONN_CLOSE_TIMEOUT);
}

// A client that has half closed gets its answer as any other. But nothing tells it from one that
// has gone, for nothing is sent yet: for that one no directory is to be kept waiting, or read,
// longer than an answer would wait for it. One that may not answer has a time of its own.
static void expire_listing(struct context *ctx, struct conn *c)
{
    if (!c->listing->tree->is_local)
        conn_step_silent(ctx, c);
    else if (c->eof || poller_has_hung_up(c->source.fd))
        conn_close(ctx, c, CONN_CLOSE_TIMEOUT);
    else
        deadline_set(&ctx->deadlines, &c->deadline, DEADLINE_LISTING, ctx->clock.now);
}

// ---- the table ---------------------------------------------------------------------------------

typedef void conn_cb(struct context *ctx, struct conn *c);

static const struct {
    uint32_t interest; // what the poller is to tell
    enum deadline_class class;
    conn_cb *receive; // first, when it is ready; NULL: nothing
    conn_cb *step;    // then
    conn_cb *expire;  // when the deadline has passed
} states[CONN_STATES] = {
    [CONN_HEAD] = {POLLER_IN, DEADLINE_HEAD, conn_input_receive, conn_step_requests,
                   conn_step_unfinished},
    [CONN_IDLE] = {POLLER_IN, DEADLINE_IDLE, conn_input_receive, conn_step_requests,
                   expire_silence},
    [CONN_LAST] = {POLLER_IN, DEADLINE_LAST, conn_input_receive, conn_step_requests, expire_last},
    [CONN_BODY] = {POLLER_IN, DEADLINE_BODY, conn_input_receive_content, conn_step_content,
                   conn_step_unfinished},
    // Exactly writable: unread input would stay ready, and the loop would spin.
    [CONN_SEND] = {POLLER_OUT, DEADLINE_SEND, NULL, conn_step_send, expire_send},
    // Not even hang-ups are to be heard of: they would stay, and nothing can be done about them.
    [CONN_DISK] = {0, DEADLINE_DISK, NULL, stay_in_state, expire_content},
    // As above, but not for long.
    [CONN_ROOT] = {0, DEADLINE_ROOT, NULL, conn_step_requests, conn_step_stale},
    // As DISK: a thread reads the directory.
    [CONN_LISTING] = {0, DEADLINE_LISTING, NULL, conn_step_requests, expire_listing},
    [CONN_ASKED] = {0, DEADLINE_ASKED, NULL, conn_step_requests, conn_step_silent},
    [CONN_LINGER] = {POLLER_IN, DEADLINE_LINGER, conn_input_receive_rest, conn_step_linger,
                     expire_silence},
    [CONN_PROXY] = {POLLER_IN, DEADLINE_FIRST, conn_input_receive, conn_proxy_step,
                    conn_proxy_expire},
};

// Whether it waits for a file system that may not answer, other than by its state.
static bool waits_for_far(const struct conn *c)
{
    return (c->state == CONN_DISK && transfer_is_far(&c->transfer)) ||
           (c->state == CONN_LISTING && !c->listing->tree->is_local);
}

static enum deadline_class class_of(const struct context *ctx, const struct conn *c)
{
    if (waits_for_far(c))
        return DEADLINE_ASKED;
    if (c->state == CONN_PROXY && context_is_ending(ctx))
        return DEADLINE_LAST;
    return c->state == CONN_HEAD && c->requests == 0 ? DEADLINE_FIRST : states[c->state].class;
}

static bool is_answer(enum deadline_class class)
{
    return class == DEADLINE_SEND || class == DEADLINE_DISK || class == DEADLINE_LISTING ||
           class == DEADLINE_ASKED;
}

static void enter_class(struct context *ctx, struct conn *c, enum deadline_class class)
{
    // It is the same answer that goes from the one to the other.
    bool goes_on = is_answer(c->deadline.class) && is_answer(class);
    deadline_set(&ctx->deadlines, &c->deadline, class, ctx->clock.now);
    if (!goes_on) {
        inflight_drop(&ctx->notes->inflight, c->inflight);
        c->inflight = is_answer(class) ? inflight_keep(&ctx->notes->inflight, ctx->clock.now) : 0;
    }
    if (class == DEADLINE_SEND)
        send_rate_begin(ctx, c);
}

// Sets the events that the poller tells from now on. 0 or a negative errno.
static int watch(struct context *ctx, struct conn *c, uint32_t interest)
{
    int error = 0;
    if (c->interest && !interest)
        poller_remove(&ctx->poller, c->source.fd);
    else if (interest && !c->interest)
        error = poller_add(&ctx->poller, c->source.fd, interest, c);
    else if (interest != c->interest)
        error = poller_set(&ctx->poller, c->source.fd, interest, c);
    c->interest = (uint8_t)interest;
    return error;
}

// Brings deadline and poller in line with the state.
static void settle_state(struct context *ctx, struct conn *c)
{
    enum deadline_class class = class_of(ctx, c);

    if (c->state == CONN_FREE)
        return;
    if (c->deadline.class != class)
        enter_class(ctx, c, class);
    if (watch(ctx, c, states[c->state].interest) < 0)
        conn_close(ctx, c, CONN_CLOSE_MEMORY);
    else
        conn_check(ctx, c, states[c->state].interest, class);
}

void conn_receive(struct context *ctx, struct conn *c)
{
    if (states[c->state].receive)
        states[c->state].receive(ctx, c);
}

void conn_advance(struct context *ctx, struct conn *c)
{
    if (c->broken) {
        conn_close(ctx, c, CONN_CLOSE_RESET);
        return;
    }
    ctx->output.budget = OUTPUT_BUDGET;
    states[c->state].step(ctx, c);
    settle_state(ctx, c);
    inflight_end(&ctx->notes->inflight);
}

void conn_go_on(struct context *ctx, struct reading *one)
{
    struct conn *c = one->conn;
    transfer_take(&c->transfer, one);
    c->state = CONN_SEND; // the poller tells when there is room in the socket
    settle_state(ctx, c);
}

typedef bool wait_is_over_cb(const struct context *ctx, const struct conn *c);

// Has those go on that wait in this class, and need not any more.
static void go_on_in_class(struct context *ctx, enum deadline_class class, wait_is_over_cb *is_over)
{
    struct list *all = &ctx->deadlines.lists[class], *next;
    for (struct list *link = all->next; link != all; link = next) {
        next = link->next;
        struct conn *c = CONTAINER_OF(link, struct conn, deadline.link);
        if (is_over(ctx, c))
            conn_advance(ctx, c);
    }
}

static bool is_snapshot_read(const struct context *ctx, const struct conn *c)
{
    (void)ctx;
    return c->state == CONN_LISTING && c->listing->state == SNAPSHOT_READ;
}

static bool has_far_answer(const struct context *ctx, const struct conn *c)
{
    return c->state == CONN_ASKED && asking_is_over(ctx, c);
}

void conn_listed(struct context *ctx, struct snapshot *one)
{
    snapshots_done(asking_snapshots(ctx, one->tree), one);
    listings_start(ctx);
    go_on_in_class(ctx, DEADLINE_LISTING, is_snapshot_read);
    go_on_in_class(ctx, DEADLINE_ASKED, is_snapshot_read);
}

void conn_answered(struct context *ctx)
{
    go_on_in_class(ctx, DEADLINE_ASKED, has_far_answer);
}

void conn_expire(struct context *ctx, struct conn *c)
{
    int64_t since = c->deadline.since;
    // On a busy machine, or after a suspension, what the client sent in time may wait to be read.
    conn_receive(ctx, c);
    conn_advance(ctx, c);
    if (c->state == CONN_FREE || c->deadline.since != since)
        return;
    ctx->output.budget = OUTPUT_BUDGET;
    states[c->state].expire(ctx, c);
    settle_state(ctx, c);
    inflight_end(&ctx->notes->inflight);
}

void conn_drain(struct context *ctx, struct conn *c)
{
    // One that has just received is advanced in this round, and waits as the last time by itself.
    if (!c->in && (c->state == CONN_IDLE || c->state == CONN_HEAD)) {
        c->state = CONN_LAST;
        settle_state(ctx, c);
    } else if (c->state == CONN_PROXY) { // with another deadline now
        settle_state(ctx, c);
    }
}

void conn_unwatch(struct context *ctx, struct conn *c)
{
    watch(ctx, c, 0);
}

void conn_watch(struct context *ctx, struct conn *c)
{
    settle_state(ctx, c);
}

bool conn_resume(struct context *ctx, struct conn *c, int64_t since)
{
    uint32_t interest = states[c->state].interest;
    enum deadline_class class = class_of(ctx, c);
    if (c->state == CONN_SEND) {
        inflight_begin(&ctx->notes->inflight, &c->client, (struct slice){0}, ctx->clock.now);
        c->inflight = inflight_keep(&ctx->notes->inflight, ctx->clock.now);
        inflight_end(&ctx->notes->inflight);
    }
    deadline_set_since(&ctx->deadlines, &c->deadline, class, since);
    if (poller_add(&ctx->poller, c->source.fd, interest, c) < 0)
        return false;
    c->interest = (uint8_t)interest;
    conn_check(ctx, c, interest, class);
    return true;
}
