// A connection as data: its states, and all that belongs to it.
//
// server/conn.h drives it from state to state; the modules below that one (slots, answers, output,
// the access log) know the struct only.
#pragma once

#include "base/endpoint.h"
#include "http/body.h"
#include "http/request.h"
#include "server/bufpool.h"
#include "server/deadline.h"
#include "server/scoreboard.h"
#include "server/transfer.h"
#include "sys/poller.h"

#include <netinet/in.h>

// The beginning of each object that the poller's events point at.
struct source {
    enum source_kind {
        SOURCE_LISTENER,
        SOURCE_CONN,
        SOURCE_READAHEAD,
        SOURCE_ANSWERS, // of file systems that may not answer
        SOURCE_POKE,    // the loop's own: another thread wants something of it
        SOURCE_WORKER   // the worker's: its channel to the master, its signals
    } kind;
    int fd;
};

// The table of conn.c has what each waits for, and what it does then.
enum conn_state {
    CONN_FREE, // the slot is not in use
    CONN_HEAD, // a request head is awaited or has begun
    CONN_IDLE, // between requests
    CONN_LAST, // between requests of a server that is stopping
    CONN_BODY, // content of a request is thrown away
    CONN_SEND, // an answer is on its way
    CONN_DISK, // the same, and what comes next of it is being read from the disk
    CONN_ROOT, // a request is there for a root that was swapped: the next generation is to answer
    CONN_LISTING, // a request is there for a listing, and the directory is being read
    CONN_LINGER,  // after our FIN: what still comes is thrown away
    CONN_PROXY,   // a PROXY header is awaited, or has begun
    CONN_ASKED,   // a request is there, and a file system that may not answer is asked
    CONN_STATES
};

// The fate of the connection when the answers that are under way are sent.
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
    bool over_unix;    // its socket is of AF_UNIX
    bool by_proxy;     // the client is not the socket's peer: a PROXY header has named it
    uint8_t scheme;    // enum scheme, by the PROXY header
    uint8_t ending;    // enum conn_ending
    uint8_t content;   // enum body_state of content that is thrown away
    uint8_t refused;   // enum reason to refuse that content for
    uint8_t resume;    // SEND, DISK: enum conn_state that it goes on in
    uint8_t inflight;  // SEND, DISK: its entry among what is in flight, or 0
    uint16_t listener; // its number; none has it: it is there no more
    uint16_t status;   // of the answer whose content is on its way, for the access log
    uint16_t lap;      // in which it made content last (server/output.c)
    uint32_t asking;   // its number among those of the loop, plus 1 (server/asking.h); 0: none
    struct deadline deadline;
    union {
        struct conn *next_free;   // FREE: for the slots
        struct snapshot *listing; // else: that the request waits for, or NULL
    };
    struct head_scan scan;
    struct block *in;           // bytes received: the request being read, and what follows it
    struct block *out;          // bytes of answers that are stuck
    struct transfer transfer;   // the content that follows them
    uint64_t sent;              // bytes, on this connection
    uint64_t due;               // SEND: of these, what the client must have when its deadline comes
    struct sockaddr_in6 client; // IPv4 as sockaddr_in; family AF_UNIX: nothing more
    uint32_t requests;          // answered so far
    int64_t opened;             // when it was accepted, by the clock of deadlines
    struct body body;
};

// Whether an answer is under way, so that closing would cut it.
static inline bool conn_is_busy(const struct conn *c)
{
    return c->out || transfer_is_active(&c->transfer);
}
