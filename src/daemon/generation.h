// A generation: the workers of one configuration, with all that they inherit.
//
// The configuration never changes inside a generation; a reload makes a new one. Master only.
#pragma once

#include "daemon/fetched.h"
#include "daemon/generation_types.h"

// A generation must be ready within this time.
#define GENERATION_START_TIME 30000 // ms

// A worker that does not end by itself at timeouts.drain gets this much longer.
#define GENERATION_KILL_DELAY 2000 // ms

// Makes one of what was fetched, with all that workers inherit; starts none yet. Takes over what
// was fetched, and its configuration, also on failure. `previous` (or NULL) lends its sockets. NULL
// after having logged why; *ret_usable then tells whether the configuration could be used, were it
// not for the state of the system (a port in use, no memory).
struct generation *generation_new(struct generation_maker *maker, unsigned id, struct fetched *f,
                                  struct generation *previous, bool *ret_usable);

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

// Starts every worker. g->failed tells when one cannot be started.
void generation_start(struct generation *g);

// The worker said that it is ready. True when with it the generation became complete.
bool generation_worker_ready(struct worker_process *w, int64_t now);

// Has those that are left of an ending generation killed at that time.
void generation_kill_at(struct generation *g, int64_t when);

// Tells the workers to end, and to hand their connections to `successor` (or NULL). Listeners that
// it does not have are closed here, and by the workers when they have accepted what is queued.
void generation_end(struct generation *g, struct generation *successor, int64_t now);

// Whether a loop of it may still accept and answer, by the scoreboard.
bool generation_is_serving(const struct generation *g);

// The same for one that is not to become the current one. Those of its workers that were ready may
// have connections already, and hand them over; others are killed, as all are without a successor.
void generation_give_up(struct generation *g, struct generation *successor, int64_t now);

// A worker of this or another generation has died: the others are to look at the listeners, for it
// may have been woken for a connection and taken the wake-up with it.
void generation_poke(struct generation *g);

// Serves on, but is not ready for more, as its admin listener says.
void generation_make_unready(struct generation *g);

// Of a generation that is ending and hands over: there is nobody to take it any more.
void generation_stop_handing(struct generation *g, int64_t now);

// Kills every worker at once.
void generation_kill(struct generation *g);

// Hands the access log that was opened anew to the workers, and takes the descriptor over.
void generation_replace_log(struct generation *g, int fd);
