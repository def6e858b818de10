// A connection: an explicit state, one function that advances it, one that closes it.
//
// A ready connection first receives (conn_receive), and only when all of its group in the loop
// have, is advanced (conn_advance): requests are parsed, answered in order, gathered and sent. What
// the poller and the deadlines have to know follows from the state by one table. A connection
// belongs to one loop; nothing here is shared between threads.
//
// An idle connection owns its slot and nothing else; a block is borrowed while a request is read,
// and when an answer is stuck.
#pragma once

#include "base/network.h"
#include "http/body.h"
#include "http/request.h"
#include "server/bufpool.h"
#include "server/deadline.h"
#include "server/filecache.h"
#include "server/pieces.h"
#include "server/reader.h"
#include "server/scoreboard.h"
#include "sys/addr.h"
#include "sys/poller.h"

#include <netinet/in.h>

struct loop;

// What the poller's events point at begins with this.
struct source {
    enum source_kind { SOURCE_LISTENER, SOURCE_CONN, SOURCE_CONTROL, SOURCE_READER } kind;
    int fd;
};

// What each waits for, and what it does then, is in the table of conn.c.
enum conn_state {
    CONN_FREE,   // the slot is not in use
    CONN_HEAD,   // a request head is awaited or has begun
    CONN_IDLE,   // between requests
    CONN_LAST,   // between requests of a server that is stopping
    CONN_BODY,   // content of a request is thrown away
    CONN_SEND,   // an answer is on its way
    CONN_DISK,   // the same, and what comes next of it is being read from the disk
    CONN_LINGER, // after our FIN: what still comes is thrown away
    CONN_STATES
};

// What becomes of the connection when the answers that are under way are sent.
enum conn_ending {
    CONN_STAYS,
    CONN_CLOSES,
    CONN_LINGERS, // closes when the client has, or after a while: it may still be sending
};

struct conn {
    struct source source;
    uint8_t state;     // enum conn_state
    uint8_t interest;  // what the poller has now; 0: not registered
    bool eof;          // the client has finished sending (it may still read)
    bool broken;       // receiving failed
    uint8_t ending;    // enum conn_ending
    uint8_t content;   // enum body_state of what is thrown away
    uint8_t resume;    // SEND, DISK: enum conn_state that it goes on in
    uint8_t flight;    // SEND, DISK: its entry among what is in flight, or 0
    uint16_t listener; // its number; none has it: it is there no more
    uint16_t status;   // of the content, for the access log's line
    uint32_t requests; // answered so far
    struct deadline deadline;
    struct conn *next_free;
    struct head_scan scan;
    struct block *in;         // bytes received: the request being read, and what follows it
    struct block *out;        // bytes of answers that are stuck
    struct cached_file *file; // the content that follows `out`, or NULL
    uint64_t offset, end;     // what is left of it
    uint64_t loaded;          // up to here it is in memory, if it is read from a descriptor
    struct reading *reading;  // DISK: what is being read for it
    struct pieces *pieces;    // what follows that, or NULL
    struct block *held;       // the access log's line for it, or NULL
    uint64_t length;          // of the content, for that line
    uint64_t sent;            // bytes, on this connection
    uint64_t due;             // SEND: of these, what the client must have when its deadline comes
    uint32_t split;           // in the held line
    struct sockaddr_in6 peer; // IPv4 as sockaddr_in; family AF_UNIX: nothing more
    struct body body;
};

// The same, for the rules.
struct network conn_network(const struct conn *c);

// Prepares a slot for a socket that was accepted on that listener.
void conn_open(struct conn *c, int fd, const struct sockaddr_in6 *peer, size_t listener);

// Receives what there is. Never advances, never closes.
void conn_receive(struct loop *l, struct conn *c);

// Does all that can be done now, and settles what to wait for. May close.
void conn_advance(struct loop *l, struct conn *c);

// What it waited for on the disk is in memory.
void conn_go_on(struct loop *l, struct conn *c);

// The deadline of its state has passed. Does first what can be done.
void conn_expire(struct loop *l, struct conn *c);

// The loop drains: what waits between requests gets a last chance, answers under way go on.
void conn_drain(struct loop *l, struct conn *c);

// Gives everything back. The slot is free for the next round.
void conn_close(struct loop *l, struct conn *c, enum conn_close reason);

// The loop hears of the connection no more, until conn_watch(). It is closed if it cannot be heard
// of again.
void conn_unwatch(struct loop *l, struct conn *c);
void conn_watch(struct loop *l, struct conn *c);

// Others have it: lets go of it and all that belongs to it. It must not be watched.
void conn_release(struct loop *l, struct conn *c);

// A connection that others had, in the state in which it was opened (conn_open()) and filled, is
// served from now on; `since` is when it entered that state. False without memory.
bool conn_resume(struct loop *l, struct conn *c, int64_t since);

// Whether content is left to be sent that is not in the loop's buffer.
bool conn_has_content(const struct conn *c);

// Whether an answer is under way, so that closing would cut it.
bool conn_is_busy(const struct conn *c);
