#include "server/acceptor.h"

#include "base/log.h"
#include "base/util.h"
#include "server/handoff.h"
#include "sys/transmit.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// A loop that is within its share takes at most this many in one round.
#define BATCH_MAX 16u

// Rounds in a row with connections, after which more of them are taken at once.
#define STREAK 16u

// All listeners together in one round: what is left in l->ready is for the events of the others.
#define ACCEPTS (LOOP_READY - POLLER_MAX_EVENTS)

// How long a loop that was woken although it holds more than its share leaves the queue to others.
#define YIELD 1 // ms

// How long after a shortage it is tried again, if no connection is closed before.
#define SHORTAGE 100 // ms

// A connection idle for less time than this does not make room for a new one.
#define ROOM_IDLE 1000 // ms

// ---- waiting and pausing -----------------------------------------------------------------------

static void remove_one(struct loop *l, struct acceptor *a)
{
    if (a->registered)
        poller_remove(&l->poller, a->source.fd);
    a->registered = false;
}

static void give_up(struct loop *l, struct acceptor *a)
{
    remove_one(l, a);
    a->given_up = true;
}

static void pause_until(struct loop *l, int64_t when, bool shortage)
{
    acceptor_stop(l);
    l->accept_at = when;
    l->accept_shortage = shortage;
}

static bool add(struct loop *l, struct acceptor *a)
{
    a->registered = poller_add(&l->poller, a->source.fd, POLLER_IN | POLLER_EXCLUSIVE, a) == 0;
    return a->registered;
}

void acceptor_start(struct loop *l)
{
    l->accept_at = 0;
    l->accept_shortage = false;
    for (size_t i = 0; i < l->acceptor_count; i++) {
        struct acceptor *a = &l->acceptors[i];
        if (!a->given_up && !a->registered && !add(l, a)) {
            pause_until(l, l->clock.now + SHORTAGE, true);
            return;
        }
    }
}

void acceptor_stop(struct loop *l)
{
    for (size_t i = 0; i < l->acceptor_count; i++)
        remove_one(l, &l->acceptors[i]);
}

// The kernel wakes the waiters of a listener in the order in which they registered. Registering
// anew goes to the end, so that the others get the next connections.
static void step_back(struct loop *l, struct acceptor *a)
{
    remove_one(l, a);
    if (!add(l, a))
        pause_until(l, l->clock.now + SHORTAGE, true);
}

// ---- room --------------------------------------------------------------------------------------

// Makes room by closing the connection that is idle for longest. One that has received in this
// round is not idle, although its state does not say so yet.
static bool make_room(struct loop *l)
{
    struct deadline *oldest = deadlines_oldest(&l->deadlines, DEADLINE_IDLE);
    if (!oldest || l->clock.now - oldest->since < ROOM_IDLE)
        return false;
    struct conn *c = CONTAINER_OF(oldest, struct conn, deadline);
    if (c->in)
        return false;
    conn_close(l, c, CONN_CLOSE_ROOM);
    return true;
}

// Tells a newcomer that there is no room. What it sent is read first: close() with bytes unread
// would reset the connection, and the answer be lost.
static void turn_away(struct loop *l, int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Retry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    char thrown_away[4096];
    struct iovec part = {(void *)(uintptr_t)answer, sizeof(answer) - 1};
    transmit_receive(fd, thrown_away, sizeof(thrown_away));
    transmit_send(fd, &part, 1, false);
    close(fd);
    scoreboard_add(&l->slot->turned_away, 1);
}

// ---- accepting ---------------------------------------------------------------------------------

enum accepted {
    ACCEPTED,
    ACCEPT_AGAIN,    // this one is gone, or was turned away; the next may be well
    ACCEPT_NONE,     // nothing is queued
    ACCEPT_SHORTAGE, // no descriptors, no memory, or not allowed: later, perhaps
    ACCEPT_BROKEN    // this is no listener any more
};

// Errors of the connection, which failed before it was accepted (accept(2)), take it from the
// queue. What is not here (no descriptors, no memory, a rule that forbids it) leaves it there, and
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

// Frees a descriptor for a newcomer: one that is kept for speed only, or of a connection idle for
// long.
static bool free_descriptor(struct loop *l)
{
    return filecache_drop_file(&l->cache) || make_room(l);
}

// Accepts with the descriptor kept in reserve, only to turn the newcomer away.
static enum accepted accept_with_spare(struct loop *l, struct acceptor *a)
{
    if (l->spare < 0)
        return ACCEPT_SHORTAGE;
    close(l->spare);
    int fd = accept4(a->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    enum accepted result = fd < 0 ? meaning_of(errno) : ACCEPT_AGAIN;
    if (fd >= 0)
        turn_away(l, fd);
    l->spare = loop_open_spare();
    return result;
}

static enum accepted accept_one(struct loop *l, struct acceptor *a)
{
    struct sockaddr_in6 peer = {0};
    socklen_t len = sizeof(peer);
    int fd = accept4(a->source.fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    // The kernel says so also when nobody waits, for whom there would have to be room.
    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && !poller_is_readable(a->source.fd))
        return ACCEPT_NONE;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        return free_descriptor(l) ? ACCEPT_AGAIN : accept_with_spare(l, a);
    if (fd < 0)
        return meaning_of(errno);

    struct conn *c = NULL;
    if (l->connections < l->service->connection_limit || make_room(l))
        c = loop_take_slot(l);
    if (!c) {
        turn_away(l, fd);
        return ACCEPT_AGAIN;
    }
    conn_open(c, fd, &peer, (size_t)(a - l->acceptors));
    scoreboard_add(&l->slot->accepted, 1);
    conn_receive(l, c);
    loop_add_ready(l, c);
    l->accepted++;
    return ACCEPTED;
}

// No connection makes room for one of these: who has it serves it on.
static enum accepted take_handed(struct loop *l, const struct acceptor *a)
{
    static const enum accepted meanings[] = {
        [HANDOFF_TAKEN] = ACCEPTED,
        [HANDOFF_LOST] = ACCEPT_AGAIN,
        [HANDOFF_NONE] = ACCEPT_NONE,
        [HANDOFF_SHORTAGE] = ACCEPT_SHORTAGE,
    };
    enum accepted result = meanings[handoff_take(l, a->source.fd)];
    if (result == ACCEPT_SHORTAGE && filecache_drop_file(&l->cache))
        result = ACCEPT_AGAIN;
    l->accepted += result == ACCEPTED;
    return result;
}

// What the other loops that accept hold; nothing when there are none, and nothing to be balanced.
static struct scoreboard_load load_of_others(const struct loop *l)
{
    const struct scoreboard *s = l->service->scoreboard;
    struct scoreboard_load load = {0};
    if (l->phase != LOOP_SERVING || s->count == 1)
        return load;
    load = scoreboard_load(s);
    load.connections -= MIN(load.connections, (uint64_t)l->connections);
    load.loops -= MIN(load.loops, 1u);
    return load;
}

// Never so when the loop leaves: what is there then is its own.
static bool over_share(const struct loop *l, const struct scoreboard_load *others)
{
    return scoreboard_over_share(l->connections, others->connections + l->connections,
                                 others->loops + 1);
}

// Accepts at most `most` from one listener, fewer when others should. Returns how many; *ret_empty:
// nothing is left there.
static uint32_t accept_some(struct loop *l, struct acceptor *a, uint32_t most,
                            const struct scoreboard_load *others, bool *ret_empty)
{
    uint32_t before = l->accepted;
    *ret_empty = false;
    for (uint32_t i = 0; i < most && l->accepted < ACCEPTS && !a->given_up; i++) {
        enum accepted result = a->is_handoff ? take_handed(l, a) : accept_one(l, a);
        if (result == ACCEPT_NONE) {
            *ret_empty = true;
            break;
        } else if (result == ACCEPT_SHORTAGE) {
            pause_until(l, l->clock.now + SHORTAGE, true);
            break;
        } else if (result == ACCEPT_BROKEN) {
            log_err("a listening socket is of no use any more: %s", strerror(errno));
            give_up(l, a);
            *ret_empty = true;
        } else if (result == ACCEPTED && over_share(l, others)) {
            step_back(l, a);
            break;
        }
    }
    return l->accepted - before;
}

// An accept that finds nothing costs as much as one that does. So a round takes one connection
// (if there are more, the next round tells), and only when they keep coming, more at once.
static void accept_batch(struct loop *l, struct acceptor *a, const struct scoreboard_load *others)
{
    bool empty;
    a->streak = a->round + 1 == l->round ? a->streak + 1 : 0;
    a->round = l->round;
    if (a->streak >= STREAK) {
        a->batch = MIN(2 * a->batch, BATCH_MAX);
        a->streak = 0;
    }
    uint32_t count = accept_some(l, a, a->batch, others, &empty);
    if (empty)
        a->batch = MAX(count, 1u);
}

void acceptor_run(struct loop *l, struct acceptor *a)
{
    const struct scoreboard_load others = load_of_others(l);
    // In a burst all loops are woken, but the first that runs would be back here before any other
    // had its turn on a processor: it has to sleep for that.
    if (over_share(l, &others))
        pause_until(l, l->clock.now + YIELD, false);
    else if (a->registered)
        accept_batch(l, a, &others);
}

void acceptor_try(struct loop *l)
{
    const struct scoreboard_load others = load_of_others(l);
    bool empty;
    acceptor_start(l);
    for (size_t i = 0; i < l->acceptor_count && l->accept_at == 0; i++)
        accept_some(l, &l->acceptors[i], BATCH_MAX, &others, &empty);
}

int64_t acceptor_next(const struct loop *l)
{
    return l->accept_at ? l->accept_at : -1;
}

void acceptor_resume(struct loop *l)
{
    if (l->accept_at == 0)
        return;
    // After a yield, what is still there nobody else wants now.
    if (l->clock.now >= l->accept_at || (l->accept_shortage && l->closed))
        acceptor_try(l);
}

// ---- the end -----------------------------------------------------------------------------------

void acceptor_leave(struct loop *l)
{
    for (size_t i = 0; i < l->acceptor_count; i++)
        if (l->phase != LOOP_STOPPING && !atomic_load(&l->service->leaving[i]))
            give_up(l, &l->acceptors[i]);
}

bool acceptor_is_leaving(const struct loop *l)
{
    for (size_t i = 0; i < l->acceptor_count; i++)
        if (!l->acceptors[i].given_up)
            return true;
    return false;
}

bool acceptor_finish(struct loop *l)
{
    const struct scoreboard_load nobody = {0};
    bool finished = true;
    for (size_t i = 0; i < l->acceptor_count; i++) {
        bool empty = true;
        if (!l->acceptors[i].given_up)
            accept_some(l, &l->acceptors[i], UINT32_MAX, &nobody, &empty);
        finished = finished && empty;
    }
    return finished || l->accept_shortage;
}
