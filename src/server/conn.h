// A connection: an explicit state, one function that advances it, one that closes it.
//
// In each round of the loop a ready connection first receives (conn_receive), and only when all
// have, is advanced (conn_advance): requests are parsed, answered in order, gathered and sent.
// What the poller and the deadlines have to know follows from the state by one table. A connection
// belongs to one loop; nothing here is shared between threads.
//
// An idle connection owns its slot and nothing else; a block is borrowed while a request is read,
// and when an answer is stuck.
#pragma once

#include "http/body.h"
#include "http/request.h"
#include "server/bufpool.h"
#include "server/deadline.h"
#include "server/filecache.h"
#include "sys/poller.h"

#include <netinet/in.h>

struct loop;

// What the poller's events point at begins with this.
struct source {
    enum source_kind { SOURCE_LISTENER, SOURCE_CONN, SOURCE_CONTROL } kind;
    int fd;
};

// X(state, interest, deadline class)
#define CONN_STATE_TABLE(X)                                                                   \
    X(FREE, 0, DEADLINE_NONE)             /* the slot is not in use */                        \
    X(HEAD, POLLER_IN, DEADLINE_HEAD)     /* a request head is awaited or has begun */        \
    X(IDLE, POLLER_IN, DEADLINE_IDLE)     /* between requests */                              \
    X(LAST, POLLER_IN, DEADLINE_LAST)     /* between requests of a server that is stopping */ \
    X(BODY, POLLER_IN, DEADLINE_BODY)     /* content of a request is thrown away */           \
    X(SEND, POLLER_OUT, DEADLINE_SEND)    /* an answer is on its way */                       \
    X(LINGER, POLLER_IN, DEADLINE_LINGER) /* after our FIN: what still comes is thrown away */

enum conn_state {
#define X(name, interest, class) CONN_##name,
    CONN_STATE_TABLE(X)
#undef X
        CONN_STATES
};

// X(id, text): why a connection was closed.
#define CONN_CLOSE_TABLE(X)                                 \
    X(DONE, "the last answer was sent")                     \
    X(EOF, "the client closed it")                          \
    X(RESET, "the client reset it")                         \
    X(TIMEOUT, "a deadline passed")                         \
    X(CHANGED, "the file became shorter while it was sent") \
    X(ROOM, "it made room for a new connection")            \
    X(MEMORY, "no memory")                                  \
    X(STOP, "the server stopped")

enum conn_close {
#define X(id, text) CONN_CLOSE_##id,
    CONN_CLOSE_TABLE(X)
#undef X
        CONN_CLOSES
};

struct conn {
    struct source source;
    uint8_t state;    // enum conn_state
    uint8_t interest; // what the poller has now; 0: not registered
    bool eof;         // the client has finished sending (it may still read)
    bool broken;      // receiving failed
    bool closing;     // close after what is being sent
    bool linger;      // …and then linger, for bytes may come that nobody wants
    bool answered;    // at least one answer was given
    uint8_t content;  // enum body_state of what is thrown away
    uint8_t resume;   // SEND: enum conn_state that it goes on in
    struct deadline deadline;
    struct conn *next_free;
    struct head_scan scan;
    struct block *in;         // bytes received: the request being read, and what follows it
    struct block *out;        // bytes of answers that are stuck
    struct cached_file *file; // the content that follows `out`, or NULL
    uint64_t offset, end;     // what is left of it
    struct block *held;       // the access log's line for it, or NULL
    uint64_t length;          // of the content, for that line
    uint32_t split;           // in the held line
    uint16_t status;          // for that line
    struct sockaddr_in6 peer; // IPv4 as sockaddr_in; family AF_UNIX: nothing more
    struct body body;
};

// Prepares a slot for an accepted socket.
void conn_open(struct loop *l, struct conn *c, int fd, const struct sockaddr_in6 *peer);

// Receives what there is. Never advances, never closes.
void conn_receive(struct loop *l, struct conn *c);

// Does all that can be done now, and settles what to wait for. May close.
void conn_advance(struct loop *l, struct conn *c);

// The deadline of its state has passed.
void conn_expire(struct loop *l, struct conn *c);

// The loop drains: what waits between requests gets a last chance, answers under way go on.
void conn_drain(struct loop *l, struct conn *c);

// Gives everything back. The slot is free for the next round.
void conn_close(struct loop *l, struct conn *c, enum conn_close reason);

// Whether an answer is under way, so that closing would cut it.
bool conn_is_busy(const struct conn *c);
