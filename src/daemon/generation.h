// A generation: the workers of one configuration, with all that they inherit.
//
// The configuration never changes inside a generation; a reload makes a new one. Master only.
#pragma once

#include "base/list.h"
#include "daemon/child.h"
#include "daemon/listeners.h"
#include "daemon/store.h"
#include "daemon/supervise.h"
#include "daemon/totals.h"
#include "daemon/watchdog.h"
#include "server/mimetable.h"
#include "server/scoreboard.h"
#include "server/sites.h"
#include "sys/poller.h"
#include "sys/privs.h"
#include "sys/sandbox.h"

enum generation_phase {
    GENERATION_STARTING, // not all workers are ready yet
    GENERATION_CURRENT,
    GENERATION_ENDING, // was told to end; nobody is replaced
};

// What the master's poller points at.
struct watch {
    enum watch_kind {
        WATCH_SIGNALS,
        WATCH_CHANNEL,
        WATCH_CHILD,
        WATCH_PROOF,
        WATCH_CONTROL,        // somebody connects to the control socket
        WATCH_CONTROL_CLIENT, // somebody who has
        WATCH_EXPLAINER
    } kind;
    struct generation *generation; // CHANNEL, CHILD
    unsigned number;               // of the worker, client or explainer
};

struct generation_worker {
    struct supervise policy;
    struct child child; // pid 0: none
    struct watch channel_watch;
    struct watch child_watch;
    int64_t reap_at; // its process has ended, but cannot be reaped before; 0: no such thing
    int64_t kill_at; // it should have ended by itself; 0: no such thing
    bool hangs;      // it was told to abort
};

struct generation {
    struct list link; // the master's, newest last
    unsigned id;
    enum generation_phase phase;
    int64_t deadline; // STARTING: to be given up; ENDING: to be killed
    int64_t ended_at; // ENDING: since
    bool failed;      // STARTING: a worker could not even be forked
    bool draining;    // balancers are told to go elsewhere
    struct conf *conf;
    struct sites sites;
    struct mimetable types;
    struct listeners listeners;
    struct scoreboard scoreboard;
    struct privs privs;
    struct sandbox sandbox; // of the workers
    int access_log;
    struct generation_worker *workers;
    unsigned worker_count; // places: one more than `wanted` when workers are replaced by and by
    unsigned wanted;
    unsigned alive; // workers with a process
    // The upkeep's (daemon/upkeep.h):
    struct watchdog *watchdogs;                     // one for each slot of the scoreboard
    int64_t looked;                                 // when last
    struct generation_worker *replaced, *successor; // or NULL
    struct poller *poller;
    const int *handoff;    // the maker's
    struct totals *totals; // the maker's
};

// A generation must be ready within this time.
#define GENERATION_START_TIME 30000 // ms

// A worker that does not end by itself at timeouts.drain gets this much longer.
#define GENERATION_KILL_DELAY 2000 // ms

// How generations are made, the same for all of one master.
struct generation_maker {
    struct poller *poller;
    int handoff[2]; // over which generations hand connections over: in, out
    struct listeners_inherited inherited;
    struct store store;   // lends its sockets to the first generation
    bool keep_ids;        // workers keep the ids of the master (tined serve)
    struct totals totals; // of the workers of all generations
};

// Opens all that workers inherit; starts none yet. Takes `conf` over, also on failure. `previous`
// (or NULL) lends its sockets. NULL after having logged why; *ret_usable then tells whether `conf`
// could be used, were it not for the state of the system (a port in use, no memory).
struct generation *generation_new(struct generation_maker *maker, unsigned id, struct conf *conf,
                                  const struct generation *previous, bool *ret_usable);

// Opens what a request is answered from, and plans the listeners; binds nothing, and has no workers
// nor log. For `tined explain`. Takes `conf` over, also on failure: NULL after having logged why.
struct generation *generation_new_idle(struct conf *conf);

// Whether a generation could be made of `conf`, as far as can be told without binding. Logs what is
// wrong, all of it. Nothing is kept open. `keep_ids` as in struct generation_maker. *ret_sandbox
// gets what its workers would be kept by, SANDBOX_NONE on failure; the caller cleans it up. It may
// be NULL.
bool generation_check(struct conf *conf, bool keep_ids, struct sandbox *ret_sandbox);

// Frees it; no worker may be alive. `successor` (or NULL) keeps the files of its UNIX sockets.
void generation_free(struct generation *g, const struct generation *successor);

// Starts every worker that is due, and kills those that an ending generation still has when it
// should have ended.
void generation_do_due(struct generation *g, int64_t now);

// When that is due next, or the deadline of a start passes; -1: nothing is.
int64_t generation_next(const struct generation *g);

// The worker said that it is ready. True when with it the generation became complete.
bool generation_worker_ready(struct generation *g, unsigned worker, int64_t now);

// The worker's process has ended: reaps, logs, decides about a successor. False: it cannot be
// reaped yet; generation_reap_is_due() tells when to try again.
bool generation_worker_ended(struct generation *g, unsigned worker, int64_t now);
bool generation_reap_is_due(const struct generation *g, unsigned worker, int64_t now);

// Tells the workers to end, and to hand their connections to `successor` (or NULL). Listeners that
// it does not have are closed here, and by the workers when they have accepted what is queued.
void generation_end(struct generation *g, const struct generation *successor, int64_t now);

// Tells one worker to end, and to hand its connections to the others.
void generation_retire_worker(struct generation *g, unsigned worker);

// Whether a loop of it may still accept and answer, by the scoreboard.
bool generation_is_serving(const struct generation *g);

// The slots of the scoreboard that belong to a worker, one for each of its threads.
struct scoreboard_slot *generation_slots(const struct generation *g, unsigned worker);

// The same for one that is not to become the current one. Those of its workers that were ready may
// have connections already, and hand them over; others are killed, as all are without a successor.
void generation_give_up(struct generation *g, const struct generation *successor, int64_t now);

// A worker of this or another generation has died: the others are to look at the listeners, for it
// may have been woken for a connection and taken the wake-up with it.
void generation_poke(struct generation *g);

// Serves on, but is not ready for more, as its admin listener says.
void generation_drain(struct generation *g);

// Of a generation that is ending and hands over: there is nobody to take it any more.
void generation_stop_handing(struct generation *g, int64_t now);

// Kills every worker at once.
void generation_kill(struct generation *g);

// Opens the access log anew and hands it to the workers. Logs a failure; the old one goes on then.
void generation_reopen_log(struct generation *g);
