// The world around a master, in memory: descriptors, processes, signals, the poller, the clock, and
// the file systems that a process asks for it. Nothing of it is the system's.
//
// Linked with --wrap (tests/fuzz/local.mk), its functions stand in the place of those that the
// daemon calls. It fails when the daemon does with a descriptor or a process what it must not: uses
// one that is closed or reaped, closes one twice or while it is watched.
#pragma once

#include "daemon/control.h"
#include "daemon/reload.h"
#include "daemon/stop.h"
#include "daemon/upgrade.h"
#include "server/channel.h"

enum world_kind {
    WORLD_CLOSED,
    WORLD_POLLER,
    WORLD_SIGNALS,
    WORLD_PIDFD,   // of a process
    WORLD_CHANNEL, // to a process, the master's end
    WORLD_PEER,    // the other end
    WORLD_WORDS,   // that a process writes to its stderr, either end
    WORLD_LISTENER,
    WORLD_ROOT,
    WORLD_LOG,
    WORLD_RULESET,
    WORLD_CLIENT,  // of the control socket
    WORLD_HANDOFF, // an end of a pair by which connections are handed over
    WORLD_SENT,    // came over a channel, where none is expected
    WORLD_KINDS
};

enum world_role { WORLD_WORKER, WORLD_FETCH, WORLD_PROOF, WORLD_EXPLAIN };

#define WORLD_MESSAGES 64

struct world_process {
    pid_t pid; // 0: reaped
    enum world_role role;
    int pidfd, channel;
    bool has_ended;                              // is a zombie
    int status;                                  // then
    bool is_stuck;                               // nothing ends it yet,
    bool is_doomed;                              // but it will end then
    bool is_traced;                              // somebody else is to reap it first
    struct channel_message said[WORLD_MESSAGES]; // and not heard yet
    unsigned said_count;
    // A worker:
    bool has_started, is_hung, is_unruly;
    bool is_retired, was_aborted;
    int64_t retired_at, aborted_at, beaten_at;
    unsigned unheard; // messages of the master, of one that hangs
    // A fetch:
    unsigned released, received; // items that it has answered, and that were heard
};

// Calls that fail, as often as the number says.
enum world_fault {
    WORLD_FAIL_FORK,
    WORLD_FAIL_PIDFD,
    WORLD_FAIL_PAIR,
    WORLD_FAIL_WATCH,
    WORLD_FAIL_LISTENER,
    WORLD_FAIL_DUP,
    WORLD_FAIL_RULESET,
    WORLD_FAULTS
};

#define WORLD_PROCESSES 64 // at a time
#define WORLD_ORDERS    256

struct world {
    int64_t now;
    struct world_process processes[WORLD_PROCESSES];
    unsigned open[WORLD_KINDS]; // descriptors
    unsigned faults[WORLD_FAULTS];
    uint64_t root_inode; // that the root leads to
    int root_error;      // or 0
    bool root_is_cached; // the kernel knows where it leads
    bool log_fails;
    bool pairs_hold;     // connections that nobody has taken yet
    bool can_execute;    // another image of the program
    unsigned executions; // of such
    const struct control_command *commands;
    void *commands_context;
    // Clients of the control socket: what became of each.
    struct world_order {
        bool is_answered, is_handed_on;
        unsigned loads, executions; // when it came
        enum world_order_kind { WORLD_ORDER_OTHER, WORLD_ORDER_RELOAD, WORLD_ORDER_UPGRADE } kind;
    } orders[WORLD_ORDERS];
    unsigned order_count;
    unsigned loads;
    bool owes_reload; // one was asked for, and the configuration not loaded since
    // Parts of the master.
    struct generations *generations;
    struct reload *reload;
    struct stop *stop;
    struct upgrade *upgrade;
    struct fetches *fetches;
    int64_t starting_since; // when the last generation was begun
};

extern struct world world;

void world_begin(void);

struct world_fd {
    enum world_kind kind;
    unsigned owner; // of a process: its number; of a client: that of its order
    bool is_watched;
    bool is_kept; // over an exec
    void *source;
    struct endpoint at; // of a listener
};

// Opens a descriptor, and closes it; fd_of fails for one that is not open.
int world_open_fd(enum world_kind kind, unsigned owner);
void world_close_fd(int fd);
struct world_fd *world_fd_of(int fd);

// Whether a call is to fail this time.
bool world_fails(enum world_fault fault);

// The process at the other end of a channel.
struct world_process *world_process_at(int channel);

// Whether somebody keeps the socket of the client who gave an order; and whether it was answered,
// or another process is to do so.
bool world_keeps_client(unsigned order);
bool world_is_heard_of(unsigned order);

// The place of a worker's process; NULL: it has none.
struct worker_process *world_place_of(const struct world_process *p);

// The nth of the processes for which `is` holds; NULL: there is none.
struct world_process *world_find(bool (*is)(const struct world_process *), unsigned nth);

// It ends, as soon as it can.
void world_end(struct world_process *p, int status);

// It waits in the kernel, or goes on.
void world_stick(struct world_process *p, bool is_stuck);

// It says something. False: its channel is full.
bool world_say(struct world_process *p, uint32_t type, uint32_t value);

void world_signal(int number);

// A client of the control socket sends a command, which is carried out.
void world_command(const char *name, const char *arguments, enum world_order_kind kind);

// Another image takes the master's place: what is not to be kept is closed.
void world_execute(void);

// Has time pass: the loops of workers that do not hang go round.
void world_pass(int64_t ms);

// How many descriptors are ready, and which.
int world_ready(struct poller_event *events);

// Of the one who drives the master: called before each wait. Returns how long to wait is too long.
void world_turn(int timeout_ms);

// Asked when the master signals a worker's process, or tells it to end: fails if there is no
// reason.
void world_check_kill(const struct world_process *p, int number);
void world_check_retire(const struct world_process *p);
