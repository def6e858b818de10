// A generation as data: all that its workers inherit, and the places of the workers.
//
// Each worker points back to it: so the struct stands beneath the modules that work on it,
// daemon/generation.h, daemon/worker_process.h and daemon/upkeep.h. Master only.
#pragma once

#include "base/list.h"
#include "daemon/fdstore.h"
#include "daemon/leftovers.h"
#include "daemon/listeners.h"
#include "daemon/totals.h"
#include "daemon/watch.h"
#include "server/served.h"
#include "sys/privs.h"
#include "sys/sandbox.h"

struct channel_message;
struct watchdog;
struct worker_process;

// How its workers are looked after (daemon/upkeep.h).
struct upkeep {
    struct watchdog *watchdogs; // one for each slot of the scoreboard
    struct timer look;
    int64_t looked;                  // when last
    struct worker_process *replaced; // or NULL,
    struct worker_process *successor;
};

enum generation_phase {
    GENERATION_STARTING, // not all workers are ready yet
    GENERATION_CURRENT,
    GENERATION_ENDING, // was told to end; nobody is replaced
};

struct generation {
    struct list link; // the master's, newest last
    unsigned id;
    enum generation_phase phase;
    int64_t ended_at;  // ENDING: since
    struct timer kill; // ENDING: what is left of it
    bool failed;       // STARTING: a worker could not even be forked
    bool is_unready;   // balancers are told to go elsewhere
    struct served served;
    struct listeners listeners;
    struct privs privs;
    struct sandbox sandbox; // of the workers
    struct worker_process *workers;
    unsigned worker_count; // places: one more than `wanted` when workers are replaced by and by
    unsigned wanted;
    unsigned alive; // workers with a process
    struct upkeep upkeep;
    struct generation_maker *maker;
};

// Told to the owner of the generations.
struct worker_process_events {
    // Said something on its channel.
    void (*said)(void *context, struct worker_process *w, const struct channel_message *message);
    // Its process has ended: that is logged, and it is decided about a successor.
    void (*ended)(void *context, struct worker_process *w);
    void *context;
};

// The connections that are handed over (daemon/handover.h).
struct handovers {
    struct list list;        // those under way
    uint64_t sent;           // connections, by those that are closed
    bool is_blind;           // of some of them it is not known how many were sent
    bool has_taken_from_old; // workers have an end of the pair of maker->handoff
};

// How generations are made, the same for all of one master.
struct generation_maker {
    struct watches *watches;
    struct worker_process_events events;
    struct handovers handovers;
    int handoff[2]; // in, out: by which workers of programs hand over that have one pair for all
    struct listeners_inherited inherited;
    struct fdstore fdstore; // lends its sockets to the first generation
    struct listener_notes notes;
    bool keep_ids;        // workers keep the ids of the master (tined serve)
    struct totals totals; // of the workers of all generations
    struct leftovers leftovers;
};
