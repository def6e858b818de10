// How one generation follows another: on a reload, and when a root leads elsewhere by now. When
// that may be is daemon/reload_policy.h's to say. Master only.
#pragma once

#include "daemon/control_socket.h"
#include "daemon/generations.h"
#include "daemon/handover_loss.h"
#include "daemon/outcome.h"
#include "daemon/root_watch.h"
#include "daemon/service_manager.h"

#define RELOAD_EX_CONFIG 78 // sysexits.h: the configuration cannot be used

// Loads the configuration anew; NULL after having reported why not.
typedef struct conf *reload_load_cb(void *context);

// The reason for which a generation is made.
enum reload_cause {
    RELOAD_FIRST, // the process has begun
    RELOAD_ASKED,
    RELOAD_ROOTS,     // a root leads elsewhere, or answers by now
    RELOAD_LISTENERS, // an own one has to be bound anew
};

// Told to the owner of the reload.
struct reload_events {
    // The first one of this process starts, or could not be made: then generations->starting is
    // NULL.
    void (*launched)(void *context);
    // One has taken over.
    void (*taken_over)(void *context);
    // One could not start, while an earlier one serves. Nobody was told yet.
    void (*failed)(void *context);
    void *context;
};

struct reload {
    struct generations *generations;
    struct control_socket *control;
    struct service_manager *service_manager;
    struct outcome *outcome;
    struct handover_loss *handover_loss;
    reload_load_cb *load;
    void *load_context;
    struct reload_events events;
    struct fetches *fetches;
    // Of its own:
    struct fetch *fetch; // of what the next generation is made of, or NULL
    struct conf *conf;   // of that generation
    enum reload_cause cause;
    struct root_watch roots;
    struct timer starting_deadline; // of generations->starting
    struct timer root_check;
    struct timer start; // of a reload that waits
    bool is_wanted;     // a reload that waits
    bool is_held;       // none may start, see reload_hold()
    bool is_stopped;
    int64_t ports_busy_until;           // by listeners that a generation leaves
    bool clears_unready;                // the generation that is starting comes of a reload
    bool is_rollback;                   // it is the first after an upgrade that failed
    bool is_waiting;                    // to tell that a generation is there
    struct generation *waiting_for_old; // the one before, until it accepts no more; NULL: it ended
    struct timer old_check;
    int64_t waiting_until;
    int exit_status; // other than 0: no generation serves, nor will one
};

void reload_init(struct reload *r);

// Looks for roots that lead elsewhere from now on.
void reload_begin(struct reload *r);

// Loads the configuration anew and starts a generation of it, now or as soon as one may be started.
void reload_start(struct reload *r);

// Begins the first generation of this process, of a configuration, which it takes over.
void reload_start_first(struct reload *r, struct conf *conf);

// Follows roots that lead elsewhere by now, at once or when a process has looked at them.
void reload_check_roots(struct reload *r);

// Whether a generation is being made, which is not in generations->starting yet.
bool reload_is_launching(const struct reload *r);

// A worker has ended: sets back what it may have changed of the current generation's listeners, and
// starts a generation of the same configuration when an own one has to be bound anew.
void reload_check_listeners(struct reload *r);

// The generation that is starting is ready; or one of its workers has died.
void reload_take_over(struct reload *r);
void reload_give_up(struct reload *r);

// From now on nothing is started until the release: a new image that proves itself will start a
// generation of what the file says and where roots lead by then.
void reload_hold(struct reload *r);
void reload_release(struct reload *r);

// Tells those who wait for a generation that it is there. Before anything else is waited for.
void reload_tell_waiting(struct reload *r);

// Drops a reload that has not begun yet, and tells those who wait for it.
void reload_dismiss(struct reload *r);

// The server stops: nothing is started any more.
void reload_stop(struct reload *r);

// Frees generations whose last worker has ended, when a wait is over.
void reload_free_ended(struct reload *r);
