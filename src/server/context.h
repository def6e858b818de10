// The context of an event loop: all that it owns and its connections use.
//
// It belongs to one thread. Connections, answers and the handoff know it; the loop that waits and
// decides what comes next stands above (server/loop.h).
#pragma once

#include "content/questions.h"
#include "content/snapshots.h"
#include "http/request.h"
#include "http/response.h"
#include "server/accesslog.h"
#include "server/bufpool.h"
#include "server/deadline.h"
#include "server/readahead.h"
#include "server/served.h"
#include "server/slots.h"
#include "sys/clock.h"
#include "sys/poller.h"

struct asking;
struct conn;

// That a client began with a PROXY header where none is expected, or without a good one where it is
// required: a proxy that is set up otherwise does so with each connection.
enum proxy_notice { PROXY_NOTICE_UNEXPECTED, PROXY_NOTICE_MISSING };

// The facts that all loops of a worker share, read-only.
struct context_shared {
    const struct served *served;
    const _Atomic bool *leaving;    // for each listener: nobody accepts on it after us
    const _Atomic bool *is_unready; // not ready for more
    const _Atomic int *handoff_out; // where a loop that is HANDING sends its connections
    struct budget *listing_memory;  // of the directories that all loops list
    uint32_t connection_limit;      // per loop
    uint32_t file_limit;            // descriptors in the file cache, per loop
    // Called by each loop, in its thread, when it accepts no more.
    void (*on_stopped_accepting)(void *context);
    // Likewise, when it has sent away all that it could at once. NULL: nobody wants to know.
    void (*on_handed_over)(void *context);
    // Likewise, at most once a second: a root of a site leads elsewhere.
    void (*on_swapped)(void *context);
    // Likewise, of each kind: about a client of that listener. NULL: nobody wants to know.
    void (*on_proxy)(void *context, enum proxy_notice notice, size_t listener);
    void *context;
};

// The task of a loop.
enum loop_phase {
    LOOP_SERVING,
    LOOP_HANDING,  // others have taken over: hand them what is open
    LOOP_RETIRING, // others accept; finish what is open
    LOOP_STOPPING, // accept what is queued, then as above
};

// The most connections in a group: one for each event, and as many accepted.
#define CONTEXT_READY (2 * POLLER_MAX_EVENTS)

// The field lines that all heads of a second have.
struct common_lines {
    int64_t second;
    size_t len;
    char text[RESPONSE_COMMON_MAX];
};

// Connections that have received and are to be advanced together.
struct ready {
    struct conn *conns[CONTEXT_READY];
    size_t count;
};

// The most that is gathered of small answers before it is sent.
#define OUTPUT_GATHER (32u << 10)

// One for all connections of a loop: each leaves it empty at the end of its turn.
struct output {
    size_t gathered;
    size_t budget; // bytes that the connection may still send in this turn
    char gather[OUTPUT_GATHER];
};

// Counted on: how often a part of the loop ran.
struct turns {
    uint64_t round; // event loop iterations
    uint64_t group; // the group of connections that is received, or answered
};

// The time in which content is made (content/body_source.h), that of all connections together.
struct making {
    uint64_t round;   // of the event loop: the one that is counted
    int64_t spent_us; // in it
    int64_t part_us;  // of that by the last part
    uint16_t lap;     // goes round; each connection has its turn once in it
    bool refused;     // for want of time somebody had no turn in this round
    bool crowded;     // so it was in the one before: those who had a turn in this lap wait
};

struct context {
    const struct context_shared *shared;
    const struct served *served; // that of `shared`
    enum loop_phase phase;
    struct clock clock;
    struct turns turns;
    struct poller poller;
    struct deadlines deadlines;
    struct bufpool pool;
    struct filecache cache;
    struct accesslog log;
    struct readahead readahead;
    struct scoreboard_slot *slot;
    struct scoreboard_notes *notes;
    struct slots slots; // of its connections
    struct ready ready;
    int64_t root_wait_at; // from then on requests wait for a generation that has a swapped root
    struct making making;
    struct snapshots snapshots;      // of local directories
    struct questions questions;      // to file systems that may not answer; fd -1: there are none
    struct snapshots *far_snapshots; // for each of them
    struct asking *askings;          // QUESTIONS_WAITING for each of them
    bool is_late;                    // the request that is answered waits for none of them any more
    const char *left; // after context_cleanup(): a thread is left that waits for this directory's
    int64_t proxy_told[PROXY_NOTICE_MISSING + 1]; // when on_proxy was called last; 0: never
    struct common_lines common;
    struct request request;       // the one being answered
    struct proxies_client client; // of it: the connection's, or one that a trusted proxy names
    struct route route;           // what it is answered with
    const struct rule **matched;  // room for the route
    char *handoff_room;           // for a connection that is handed over, or NULL
    struct output output;
};

// 0 or a negative errno.
int context_init(struct context *ctx, const struct context_shared *shared,
                 struct scoreboard_slot *slot, struct scoreboard_notes *notes);
void context_cleanup(struct context *ctx);

// Connection `c` is to be advanced with its group, once.
void context_add_ready(struct context *ctx, struct conn *c);

// Whether connections end when their answers are sent, for there is nobody to hand them to.
static inline bool context_is_ending(const struct context *ctx)
{
    return ctx->phase >= LOOP_RETIRING;
}

// Gives the notice, at most once a second.
void context_tell_proxy(struct context *ctx, enum proxy_notice notice, size_t listener);

// The lines that all heads of this round have.
struct slice context_common(struct context *ctx);
