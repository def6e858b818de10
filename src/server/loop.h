// An event loop of a worker: waits, and serves in rounds.
//
//   round: for each group of ready connections:
//              accept and receive from all │ then, for each: answer what is complete
//
// The two passes make answers fresh: a file is checked after the request for it was received, once
// for the whole group. What a loop touches belongs to it; other threads reach it through
// loop_poke() only.
#pragma once

#include "conf/conf.h"
#include "http/response.h"
#include "server/accesslog.h"
#include "server/conn.h"
#include "server/reader.h"
#include "server/route.h"
#include "server/scoreboard.h"
#include "sys/clock.h"
#include "sys/poller.h"

// What all loops of a worker share, read-only.
struct service {
    const struct conf *conf;
    const struct sites *sites;
    const struct mimetable *types;
    const int *listeners; // descriptors
    size_t listener_count;
    const _Atomic bool *leaving;      // for each listener: nobody accepts on it after us
    const struct endpoint *addresses; // that the listeners are bound to
    size_t admin; // number of the first listener that is for the server itself, not for sites
    const _Atomic bool *draining; // not ready for more
    int handoff_in, handoff_out;  // where connections come from, and go to; or -1
    int access_log;               // descriptor, or -1
    struct scoreboard *scoreboard;
    uint32_t connection_limit; // per loop
    uint32_t file_limit;       // descriptors in the file cache, per loop
    // Called by each loop, in its thread, when it accepts no more.
    void (*on_stopped_accepting)(void *context);
    // Likewise, at most once a second: a root of a site leads elsewhere.
    void (*on_swapped)(void *context);
    void *context;
};

enum loop_phase {
    LOOP_SERVING,
    LOOP_HANDING,  // others have taken over: hand them what is open
    LOOP_RETIRING, // others accept; finish what is open
    LOOP_STOPPING, // accept what is queued, then as above
};

// The most that is gathered of small answers before it is sent.
#define LOOP_GATHER (32u << 10)

// The most connections in a group: one for each event, and as many accepted.
#define LOOP_READY (2 * POLLER_MAX_EVENTS)

// One listener, as a loop sees it; or, the last one, the socket on which connections are handed
// over by a generation that ends.
struct acceptor {
    struct source source;
    bool is_handoff;
    bool registered; // the poller has it
    bool given_up;   // for good
    uint32_t batch;  // connections taken in one round
    uint32_t streak; // rounds in a row in which there were as many
    uint64_t round;  // the last one in which it was ready
};

struct loop {
    const struct service *service;
    struct poller poller;
    struct clock clock;
    uint64_t round;
    uint64_t group; // the number of the one that is received, or answered
    struct deadlines deadlines;
    struct bufpool pool;
    struct filecache cache;
    struct accesslog log;
    struct reader reader;
    struct source reads; // the reader's descriptor
    struct scoreboard_slot *slot;

    struct acceptor *acceptors;
    size_t acceptor_count;
    int64_t accept_at;      // paused till then; 0: not paused
    bool accept_shortage;   // paused for want of descriptors or memory
    bool stopped_accepting; // for good
    int spare;              // a descriptor to close when there is no other; or -1
    int64_t last_tick;
    int64_t swap_told; // when on_swapped was called last

    struct conn **chunks; // slots, in chunks
    size_t chunk_count;
    struct conn *free;   // slots that are free
    struct conn *closed; // slots closed in this round: free in the next
    uint32_t connections;
    uint32_t listings, listing_limit; // under way, and the most of them

    struct conn *ready[LOOP_READY];
    size_t ready_count;
    size_t accepted; // in this round

    struct source control; // an eventfd: somebody wants something
    _Atomic int wanted;    // enum loop_phase, set by loop_poke()
    enum loop_phase phase;
    int64_t phase_since;
    uint32_t cut;                      // connections cut by timeouts.drain
    void (*on_control)(void *context); // the worker's own descriptors, on its first loop
    void *control_context;

    int64_t common_second; // what `common` shows
    struct buf common;
    char common_text[RESPONSE_COMMON_MAX];
    struct request request; // the one being answered
    struct route route;     // what it is answered with
    char *handoff;          // room for a connection that is handed over, or NULL
    bool handoff_full;      // there was no room for the last one that was sent
    char gather[LOOP_GATHER];
    size_t gathered;
    size_t budget; // bytes that the connection may still send in this turn
};

// Makes a loop. 0 or a negative errno.
int loop_init(struct loop *l, const struct service *service, struct scoreboard_slot *slot);
void loop_cleanup(struct loop *l);

// Serves until the loop was told to end and its connections are gone.
void loop_run(struct loop *l);

// One round of it: waits until there is something to do, and does it.
void loop_round(struct loop *l);

// From any thread: brings the loop to `phase`, if it is later than the one it is in; and has it try
// its listeners without having been woken.
void loop_poke(struct loop *l, enum loop_phase phase);

// Whether there is a free slot; false: no memory for one.
bool loop_has_slot(struct loop *l);

// A free slot, or NULL without memory.
struct conn *loop_take_slot(struct loop *l);
void loop_give_slot(struct loop *l, struct conn *c);

// A descriptor of no use but to be closed, or -1.
int loop_open_spare(void);

// Connection `c` is to be advanced with its group, once.
void loop_add_ready(struct loop *l, struct conn *c);

// Whether connections end when their answers are sent, for there is nobody to hand them to.
static inline bool loop_is_ending(const struct loop *l)
{
    return l->phase >= LOOP_RETIRING;
}

// The lines that all heads of this round have.
struct slice loop_common(struct loop *l);
