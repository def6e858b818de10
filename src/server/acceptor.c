#include "server/acceptor.h"

#include "base/log.h"
#include "base/util.h"
#include "server/conn.h"
#include "server/conn_close.h"
#include "server/conn_proxy.h"
#include "server/context.h"
#include "server/handoff.h"
#include "sys/transmit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

// A loop that is within its share takes at most this many in one round.
#define BATCH_MAX 16u

// Rounds in a row with connections, after which more of them are taken at once.
#define STREAK 16u

// All listeners together in one round: what is left in ctx->ready is for the events of the others.
#define ACCEPTS (CONTEXT_READY - POLLER_MAX_EVENTS)

// How long a loop that was woken although it holds more than its share leaves the queue to others.
#define YIELD 1 // ms

// How long after a shortage it is tried again, if no connection is closed before.
#define SHORTAGE 100 // ms

// ---- making and unmaking -----------------------------------------------------------------------

// A descriptor of no use but to be closed, or -1.
static int open_spare(void)
{
    return eventfd(0, EFD_CLOEXEC);
}

static struct acceptor *acceptor_of(struct list *link)
{
    return CONTAINER_OF(link, struct acceptor, link);
}

static struct acceptor *add_acceptor(struct acceptors *all, int fd, size_t number)
{
    struct acceptor *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->source = (struct source){SOURCE_LISTENER, fd};
    a->number = number;
    a->batch = 1;
    list_append(&all->list, &a->link);
    return a;
}

int acceptor_init(struct acceptors *all, struct context *ctx)
{
    const struct served *s = ctx->served;
    *all = (struct acceptors){.ctx = ctx, .spare = open_spare()};
    eviction_init(&all->eviction);
    list_init(&all->list);
    if (all->spare < 0)
        return -errno;
    for (size_t i = 0; i < s->listener_count; i++)
        if (!add_acceptor(all, s->listeners[i], i))
            return -ENOMEM;
    acceptor_start(all);
    return 0;
}

static void free_acceptor(struct acceptor *a)
{
    list_remove(&a->link);
    if (a->is_handoff)
        close(a->source.fd);
    free(a);
}

void acceptor_cleanup(struct acceptors *all)
{
    struct list *first;
    while (all->list.next && (first = list_first(&all->list)))
        free_acceptor(acceptor_of(first));
    if (all->spare >= 0)
        close(all->spare);
}

// Events of a round may point at one that is given up in it; those of this round have passed.
static void free_given_up_handoffs(struct acceptors *all)
{
    struct list *next;
    for (struct list *l = all->list.next; l != &all->list; l = next) {
        struct acceptor *a = acceptor_of(l);
        next = l->next;
        if (a->is_handoff && a->given_up)
            free_acceptor(a);
    }
}

void acceptor_tick(struct acceptors *all)
{
    free_given_up_handoffs(all);
    if (all->spare < 0)
        all->spare = open_spare();
}

// ---- waiting and pausing -----------------------------------------------------------------------

static void remove_one(struct acceptors *all, struct acceptor *a)
{
    if (a->registered)
        poller_remove(&all->ctx->poller, a->source.fd);
    a->registered = false;
}

static void give_up_acceptor(struct acceptors *all, struct acceptor *a)
{
    remove_one(all, a);
    a->given_up = true;
}

static void pause_until(struct acceptors *all, int64_t when, bool shortage)
{
    acceptor_stop(all);
    all->paused_until = when;
    all->shortage = shortage;
}

static bool register_acceptor(struct acceptors *all, struct acceptor *a)
{
    a->registered = poller_add(&all->ctx->poller, a->source.fd, POLLER_IN | POLLER_EXCLUSIVE,
                               &a->source) == 0;
    return a->registered;
}

void acceptor_start(struct acceptors *all)
{
    all->paused_until = 0;
    all->shortage = false;
    for (struct list *l = all->list.next; l != &all->list; l = l->next) {
        struct acceptor *a = acceptor_of(l);
        if (!a->given_up && !a->registered && !register_acceptor(all, a)) {
            pause_until(all, all->ctx->clock.now + SHORTAGE, true);
            return;
        }
    }
}

void acceptor_stop(struct acceptors *all)
{
    for (struct list *l = all->list.next; l != &all->list; l = l->next)
        remove_one(all, acceptor_of(l));
}

void acceptor_add_handoff(struct acceptors *all, int fd)
{
    struct acceptor *a = NULL;
    if (all->ctx->phase == LOOP_SERVING)
        a = add_acceptor(all, fd, all->ctx->served->listener_count);
    if (!a) {
        close(fd);
        return;
    }
    a->is_handoff = true;
    if (all->paused_until == 0)
        acceptor_start(all);
}

// The kernel wakes the waiters of a listener in the order in which they registered. Registering
// anew goes to the end, so that the others get the next connections.
static void step_back(struct acceptors *all, struct acceptor *a)
{
    remove_one(all, a);
    if (!register_acceptor(all, a))
        pause_until(all, all->ctx->clock.now + SHORTAGE, true);
}

// ---- room --------------------------------------------------------------------------------------

static bool has_room(const struct acceptors *all)
{
    return all->ctx->slots.taken < all->ctx->shared->connection_limit;
}

// `peer` may be NULL: not known.
static bool make_room(struct acceptors *all, const struct sockaddr_in6 *peer)
{
    struct conn *c = eviction_choose(&all->eviction, all->ctx, peer);
    if (c)
        conn_close(all->ctx, c, CONN_CLOSE_ROOM);
    return c != NULL;
}

// Tells a newcomer that there is no room. Reads its request first: close() with bytes unread would
// reset the connection, and the answer be lost.
static void turn_away(struct context *ctx, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Retry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    char thrown_away[4096];
    struct iovec part = {(void *)(uintptr_t)answer, sizeof(answer) - 1};
    transmit_receive(fd, thrown_away, sizeof(thrown_away));
    transmit_send(fd, &part, 1, false);
    close(fd);
    scoreboard_add(&ctx->slot->turned_away, 1);
}

// ---- accepting ---------------------------------------------------------------------------------

enum accepted {
    ACCEPTED,
    ACCEPT_AGAIN,    // this one is gone, or was turned away; the next may be well
    ACCEPT_NONE,     // nothing is queued
    ACCEPT_LATER,    // what is queued stays there for the next round
    ACCEPT_SHORTAGE, // no descriptors, no memory, or not allowed: later, perhaps
    ACCEPT_BROKEN,   // this is no listener any more
    ACCEPT_OVER,     // nobody hands over any more
};

// Errors of the connection, which failed before it was accepted (accept(2)), take it from the
// queue. Other errors (no descriptors, no memory, a rule that forbids it) leave it there, and
// trying again at once would spin.
static const struct {
    int error;
    enum accepted meaning;
} errors[] = {
    {EAGAIN, ACCEPT_NONE},       {EINTR, ACCEPT_AGAIN},     {ECONNABORTED, ACCEPT_AGAIN},
    {ENETDOWN, ACCEPT_AGAIN},    {EPROTO, ACCEPT_AGAIN},    {ENOPROTOOPT, ACCEPT_AGAIN},
    {EHOSTDOWN, ACCEPT_AGAIN},   {ENONET, ACCEPT_AGAIN},    {EHOSTUNREACH, ACCEPT_AGAIN},
    {ENETUNREACH, ACCEPT_AGAIN}, {ETIMEDOUT, ACCEPT_AGAIN}, {EBADF, ACCEPT_BROKEN},
    {EINVAL, ACCEPT_BROKEN},     {ENOTSOCK, ACCEPT_BROKEN}, {EOPNOTSUPP, ACCEPT_BROKEN},
};

static enum accepted meaning_of(int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
        if (errors[i].error == error)
            return errors[i].meaning;
    return ACCEPT_SHORTAGE;
}

// Frees a descriptor for a newcomer: one that is kept for speed only, or a connection's.
static bool free_descriptor(struct acceptors *all)
{
    return filecache_drop_file(&all->ctx->cache) || make_room(all, NULL);
}

// Accepts with the descriptor kept in reserve, only to turn the newcomer away.
static enum accepted accept_with_spare(struct acceptors *all, struct acceptor *a)
{
    if (all->spare < 0)
        return ACCEPT_SHORTAGE;
    close(all->spare);
    int fd = accept4(a->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    enum accepted result = fd < 0 ? meaning_of(errno) : ACCEPT_AGAIN;
    if (fd >= 0)
        turn_away(all->ctx, fd);
    all->spare = open_spare();
    return result;
}

static enum accepted accept_one(struct acceptors *all, struct acceptor *a)
{
    struct sockaddr_in6 peer = {0};
    socklen_t len = sizeof(peer);
    if (!has_room(all) && eviction_waits(&all->eviction, all->ctx))
        return ACCEPT_LATER;
    int fd = accept4(a->source.fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    // The kernel says so also when nobody waits, for whom there would have to be room.
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && !poller_is_readable(a->source.fd))
        return ACCEPT_NONE;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        return free_descriptor(all) ? ACCEPT_AGAIN : accept_with_spare(all, a);
    if (fd < 0)
        return meaning_of(errno);

    struct conn *c = NULL;
    if (has_room(all) || make_room(all, &peer))
        c = slots_take(&all->ctx->slots);
    if (!c) {
        turn_away(all->ctx, fd);
        return ACCEPT_AGAIN;
    }
    conn_open(c, fd, &peer, a->number, all->ctx->clock.now);
    conn_proxy_expect(all->ctx, c);
    scoreboard_add(&all->ctx->slot->accepted, 1);
    conn_receive(all->ctx, c);
    context_add_ready(all->ctx, c);
    all->accepted++;
    return ACCEPTED;
}

// No connection makes room for one of these: who has it serves it on.
static enum accepted take_handed(struct acceptors *all, const struct acceptor *a)
{
    static const enum accepted meanings[] = {
        [HANDOFF_TAKEN] = ACCEPTED,           [HANDOFF_LOST] = ACCEPT_AGAIN,
        [HANDOFF_NONE] = ACCEPT_NONE,         [HANDOFF_OVER] = ACCEPT_OVER,
        [HANDOFF_SHORTAGE] = ACCEPT_SHORTAGE,
    };
    enum accepted result = meanings[handoff_take(all->ctx, a->source.fd)];
    if (result == ACCEPT_SHORTAGE && filecache_drop_file(&all->ctx->cache))
        result = ACCEPT_AGAIN;
    all->accepted += result == ACCEPTED;
    return result;
}

// The load of the other loops that accept; nothing when there are none, and nothing to be balanced.
static struct scoreboard_load load_of_others(const struct acceptors *all)
{
    const struct scoreboard *s = &all->ctx->served->scoreboard;
    struct scoreboard_load load = {0};
    if (all->ctx->phase != LOOP_SERVING || s->count * s->loops == 1)
        return load;
    load = scoreboard_load(s);
    load.connections -= MIN(load.connections, (uint64_t)all->ctx->slots.taken);
    load.loops -= MIN(load.loops, 1u);
    return load;
}

// Never so when the loop leaves: what is there then is its own.
static bool over_share(const struct acceptors *all, const struct scoreboard_load *others)
{
    return scoreboard_over_share(all->ctx->slots.taken, others->connections + all->ctx->slots.taken,
                                 others->loops + 1);
}

// Accepts at most `most` from one listener, fewer when others should. Returns how many; *ret_empty:
// nothing is left there.
static uint32_t accept_some(struct acceptors *all, struct acceptor *a, uint32_t most,
                            const struct scoreboard_load *others, bool *ret_empty)
{
    uint32_t before = all->accepted;
    *ret_empty = false;
    for (uint32_t i = 0; i < most && all->accepted < ACCEPTS && !a->given_up; i++) {
        enum accepted result = a->is_handoff ? take_handed(all, a) : accept_one(all, a);
        if (result == ACCEPT_NONE) {
            *ret_empty = true;
            break;
        } else if (result == ACCEPT_LATER) {
            break;
        } else if (result == ACCEPT_OVER) {
            give_up_acceptor(all, a);
            *ret_empty = true;
        } else if (result == ACCEPT_SHORTAGE) {
            pause_until(all, all->ctx->clock.now + SHORTAGE, true);
            break;
        } else if (result == ACCEPT_BROKEN) {
            log_err("a listening socket is of no use any more: %s", strerror(errno));
            give_up_acceptor(all, a);
            *ret_empty = true;
        } else if (result == ACCEPTED && over_share(all, others)) {
            step_back(all, a);
            break;
        }
    }
    return all->accepted - before;
}

// An accept that finds nothing costs as much as one that does. So a round takes one connection
// (if there are more, the next round tells), and only when they keep coming, more at once.
static void accept_batch(struct acceptors *all, struct acceptor *a,
                         const struct scoreboard_load *others)
{
    bool empty;
    a->streak = a->round + 1 == all->ctx->turns.round ? a->streak + 1 : 0;
    a->round = all->ctx->turns.round;
    if (a->streak >= STREAK) {
        a->batch = MIN(2 * a->batch, BATCH_MAX);
        a->streak = 0;
    }
    uint32_t count = accept_some(all, a, a->batch, others, &empty);
    if (empty)
        a->batch = MAX(count, 1u);
}

void acceptor_run(struct acceptors *all, struct acceptor *a)
{
    const struct scoreboard_load others = load_of_others(all);
    // In a burst all loops are woken, but the first that runs would be back here before any other
    // had its turn on a processor: it has to sleep for that.
    if (over_share(all, &others))
        pause_until(all, all->ctx->clock.now + YIELD, false);
    else if (a->registered)
        accept_batch(all, a, &others);
}

void acceptor_try(struct acceptors *all)
{
    const struct scoreboard_load others = load_of_others(all);
    bool empty;
    acceptor_start(all);
    for (struct list *l = all->list.next; l != &all->list && all->paused_until == 0; l = l->next)
        accept_some(all, acceptor_of(l), BATCH_MAX, &others, &empty);
}

int64_t acceptor_next(const struct acceptors *all)
{
    return all->paused_until ? all->paused_until : -1;
}

void acceptor_resume(struct acceptors *all)
{
    if (all->paused_until == 0)
        return;
    // After a yield, what is still there nobody else wants now.
    if (all->ctx->clock.now >= all->paused_until || (all->shortage && all->ctx->slots.closed))
        acceptor_try(all);
}

// ---- the end -----------------------------------------------------------------------------------

static bool is_for_others(const struct acceptors *all, const struct acceptor *a)
{
    return all->ctx->phase != LOOP_STOPPING && !atomic_load(&all->ctx->shared->leaving[a->number]);
}

void acceptor_leave(struct acceptors *all)
{
    for (struct list *l = all->list.next; l != &all->list; l = l->next) {
        struct acceptor *a = acceptor_of(l);
        if (!a->is_handoff && is_for_others(all, a))
            give_up_acceptor(all, a);
    }
}

void acceptor_drain_handoffs(struct acceptors *all)
{
    const struct scoreboard_load nobody = {0};
    for (struct list *l = all->list.next; l != &all->list; l = l->next) {
        struct acceptor *a = acceptor_of(l);
        bool empty = false;
        if (!a->is_handoff || a->given_up || !is_for_others(all, a))
            continue;
        accept_some(all, a, UINT32_MAX, &nobody, &empty);
        if (empty)
            give_up_acceptor(all, a);
    }
}

bool acceptor_is_leaving(const struct acceptors *all)
{
    for (struct list *l = all->list.next; l != &all->list; l = l->next)
        if (!acceptor_of(l)->given_up)
            return true;
    return false;
}

bool acceptor_finish(struct acceptors *all)
{
    const struct scoreboard_load nobody = {0};
    bool finished = true;
    for (struct list *l = all->list.next; l != &all->list; l = l->next) {
        bool empty = true;
        if (!acceptor_of(l)->given_up)
            accept_some(all, acceptor_of(l), UINT32_MAX, &nobody, &empty);
        finished = finished && empty;
    }
    return finished || all->shortage;
}
