// The master's own state, and what its parts ask of each other. For the files that make up the
// master only: master.c (events, beginning and end), succession.c (how one generation follows
// another), renewal.c (upgrades), commands.c (the control socket) and manager.c (what the service
// manager is told).
#pragma once

#include "daemon/control.h"
#include "daemon/explainers.h"
#include "daemon/generation.h"
#include "daemon/master.h"
#include "daemon/notify.h"
#include "daemon/upgrade.h"
#include "daemon/waiters.h"
#include "base/util.h"

#define EX_CONFIG 78 // sysexits.h: the configuration cannot be used

#define MASTER_INHERITED_MAX 64

struct master {
    const struct master_options *options;
    struct poller poller;
    struct generation_maker maker;
    struct systemd_socket inherited[MASTER_INHERITED_MAX];
    struct list generations; // oldest first
    struct generation *current;
    struct generation *starting;   // or NULL
    struct control *control;       // or NULL
    struct control *control_next;  // of the generation that is starting, when it is another
    struct control *control_ended; // events of this round may point into it
    bool control_changes;          // what `control_next` is takes the place of `control`
    struct explainers explainers;
    struct watch signals_watch;
    int signals;
    unsigned last_id;
    int64_t roots_checked; // when
    struct upgrade upgrade;
    struct watch proof_watch;
    int64_t proof_deadline; // of the new image's proof
    int way_back;           // the image that this one has taken over from and may go back to, or -1
    bool stopping;
    int64_t stop_at;             // when a stop that was announced begins; 0: none was
    bool reload_wanted;          // a HUP came while there could be no new generation
    int64_t ports_taken;         // until then, by listeners that a generation leaves
    bool went_back;              // this image was gone back to after an upgrade that failed
    bool ends_drain;             // the generation that is starting comes of a reload
    struct generation *relieved; // the one before the current, until it accepts no more; or NULL
    int64_t relieved_by;         // when that is no longer waited for
    bool draining;               // not ready for more, as balancers are told
    struct waiters waiters;
    struct notify notify;
    bool has_manager;  // that listens
    char outcome[256]; // of the last reload or upgrade; "" when there was none
    int64_t outcome_s; // wall clock
    int64_t started_s; // likewise
    int exit_status;   // other than 0 when the first generation could not start
};

// ---- master.c

// Whether a stop was announced or has begun.
bool master_is_ending(const struct master *m);

// Drains and stops; the second time at once.
void master_stop(struct master *m);

// Serves on, but is not ready for more: balancers are told to go elsewhere. Until a reload.
void master_drain(struct master *m);

// Calls `f` for every generation.
void master_each(struct master *m, void (*f)(struct generation *));

// What became of a reload or an upgrade: told to those who wait, and kept for the status.
void master_conclude(struct master *m, bool well, const char *format, ...) PRINTF_LIKE(3, 4);

// ---- succession.c

// Starts a generation of a configuration, which it takes over. m->starting stays NULL after a
// failure that was logged.
void succession_begin(struct master *m, struct conf *conf);

// Loads the configuration anew and starts a generation of it, now or as soon as one may be started.
void succession_reload(struct master *m);

// Follows roots that lead elsewhere by now.
void succession_check_roots(struct master *m);

// The generation that was starting is ready; or is given up.
void succession_take_over(struct master *m, struct generation *g);
void succession_give_up(struct master *m);

// Tells those who wait for a generation that it is there. Before anything else is waited for.
void succession_conclude(struct master *m);

// Frees generations whose last worker has ended.
void succession_free_ended(struct master *m);

// What is due, and when something is due next or -1.
void succession_do_due(struct master *m, int64_t now);
int64_t succession_next(const struct master *m);

// ---- renewal.c

// Whether an upgrade can begin now; and what is said otherwise.
#define RENEWAL_NOT_NOW "no upgrade now: wait for what is under way"
bool renewal_is_possible(const struct master *m);

// Has a new image prove itself; its proof has ended; what is due.
void renewal_start(struct master *m);
void renewal_heed(struct master *m);
void renewal_do_due(struct master *m, int64_t now);

// This image has taken over but cannot start workers of its own: returns only when there is no way
// back.
void renewal_go_back(struct master *m);

// Takes over what a predecessor has left. 0 or a negative errno.
int renewal_adopt(struct master *m, const struct state *s);

// ---- commands.c

// Opens the control socket that the configuration wants, if it is another than the one that is
// open. False after having logged why that cannot be.
bool commands_open(struct master *m, const struct conf *conf);

// What the server does, in a word or two.
const char *commands_state(const struct master *m);

// The totals of now.
void commands_report_totals(struct master *m, struct totals_report *ret);

// The generation of that configuration has taken over, or was given up.
void commands_take(struct master *m);
void commands_give_up(struct master *m);

// ---- manager.c

// Finds out who listens, and that it starts; an upgrade goes on with what its predecessor has said.
void manager_begin(struct master *m, bool is_upgrade);

// Has the listeners of `g` kept over a restart, in the place of those of `previous`; NULL: of those
// that were kept over one.
void manager_keep(struct master *m, const struct generation *g, const struct generation *previous);

// The last word.
void manager_end(struct master *m);

// Tells the phase, if it is another, and the state of now.
void manager_enter(struct master *m, enum notify_phase phase);

// What is due, and when something is due next or -1.
void manager_do_due(struct master *m, int64_t now);
int64_t manager_next(const struct master *m);
