#include "server/acceptor.h"

#include "base/util.h"
#include "sys/transmit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

// A loop that is within its share takes this many in one round.
#define BATCH 16

// How long a loop that was woken although it holds more than its share leaves the queue to others.
#define YIELD 1 // ms

// All listeners together in one round: what is left in l->ready is for the events of the others.
#define ACCEPTS (LOOP_READY - POLLER_MAX_EVENTS)

// A connection idle for less time than this does not make room for a new one.
#define ROOM_IDLE 1000 // ms

static int add(struct loop *l, struct acceptor *a)
{
    int r = poller_add(&l->poller, a->source.fd, POLLER_IN | POLLER_EXCLUSIVE, a);
    a->registered = r == 0;
    return r;
}

static void remove_one(struct loop *l, struct acceptor *a)
{
    if (a->registered)
        poller_remove(&l->poller, a->source.fd);
    a->registered = false;
}

void acceptor_start(struct loop *l)
{
    l->accepting_paused = false;
    l->yield_until = 0;
    for (size_t i = 0; i < l->acceptor_count; i++)
        if (!l->acceptors[i].registered && add(l, &l->acceptors[i]) < 0)
            l->accepting_paused = true;
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
    if (add(l, a) < 0)
        l->accepting_paused = true; // the tick tries again
}

static bool over_share(const struct loop *l)
{
    const struct scoreboard *s = l->service->scoreboard;
    return s->count > 1 &&
           scoreboard_over_share(l->connections, scoreboard_connections(s), s->count);
}

// Makes room by closing the connection that is idle for longest.
static bool make_room(struct loop *l)
{
    struct deadline *oldest = deadlines_oldest(&l->deadlines, DEADLINE_IDLE);
    if (!oldest || l->clock.now - oldest->since < ROOM_IDLE)
        return false;
    conn_close(l, CONTAINER_OF(oldest, struct conn, deadline), CONN_CLOSE_ROOM);
    return true;
}

// Tells a newcomer that there is no room. What it sent is read first: close() with bytes unread
// would reset the connection, and the answer be lost.
static void turn_away(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Retry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    char thrown_away[4096];
    struct iovec part = {(void *)(uintptr_t)answer, sizeof(answer) - 1};
    transmit_receive(fd, thrown_away, sizeof(thrown_away));
    transmit_send(fd, &part, 1, false);
    close(fd);
}

enum accepted { ACCEPTED, ACCEPT_AGAIN, ACCEPT_NONE, ACCEPT_SHORTAGE };

static enum accepted accept_error(int error)
{
    switch (error) {
    case EAGAIN:
        return ACCEPT_NONE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ACCEPT_SHORTAGE;
    default: // this connection failed before it was accepted (accept(2)); the next may be well
        return ACCEPT_AGAIN;
    }
}

static enum accepted accept_one(struct loop *l, struct acceptor *a)
{
    struct sockaddr_in6 peer = {0};
    socklen_t len = sizeof(peer);
    int fd = accept4(a->source.fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return accept_error(errno);

    struct conn *c = NULL;
    if (l->connections < l->service->connection_limit || make_room(l))
        c = loop_take_slot(l);
    if (!c) {
        turn_away(fd);
        return ACCEPT_AGAIN;
    }
    conn_open(l, c, fd, &peer);
    scoreboard_add(&l->slot->accepted, 1);
    conn_receive(l, c);
    l->ready[l->ready_count++] = c;
    l->accepted++;
    return ACCEPTED;
}

// Accepts from one listener until there is nothing, the batch is full, or others should.
static void accept_batch(struct loop *l, struct acceptor *a)
{
    for (int i = 0; i < BATCH && l->accepted < ACCEPTS && a->registered; i++) {
        switch (accept_one(l, a)) {
        case ACCEPT_NONE:
            return;
        case ACCEPT_SHORTAGE:
            acceptor_stop(l);
            l->accepting_paused = true;
            return;
        case ACCEPTED:
            if (over_share(l)) {
                step_back(l, a);
                return;
            }
            break;
        case ACCEPT_AGAIN:
            break;
        }
    }
}

// In a burst all loops are woken, but the first that runs would be back here before any other had
// its turn on a processor: it has to sleep for that.
static void yield(struct loop *l)
{
    acceptor_stop(l);
    l->yield_until = l->clock.now + YIELD;
}

void acceptor_run(struct loop *l, struct acceptor *a)
{
    if (l->phase == LOOP_SERVING && over_share(l))
        yield(l);
    else
        accept_batch(l, a);
}

void acceptor_resume(struct loop *l)
{
    if (l->yield_until == 0 || l->clock.now < l->yield_until)
        return;
    acceptor_start(l);
    // What is still there nobody else wants now, because of a share or because of being stuck.
    for (size_t i = 0; i < l->acceptor_count; i++)
        accept_batch(l, &l->acceptors[i]);
}
