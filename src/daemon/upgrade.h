// An upgrade as the master sees it: a new image of the program proves itself, takes the master's
// place, adopts its workers, and has a generation of its own follow them. Or it goes back to the
// image that it has taken over from. Master only.
#pragma once

#include "daemon/explain_worker.h"
#include "daemon/log_reopen.h"
#include "daemon/reload.h"
#include "daemon/stop.h"
#include "daemon/upgrade_exec.h"

// Said when there can be none.
#define UPGRADE_NOT_NOW "no upgrade now: wait for what is under way"

struct upgrade {
    struct generations *generations;
    struct service_manager *service_manager;
    struct outcome *outcome;
    struct reload *reload;
    struct stop *stop;
    struct explain_workers *explain_workers;
    struct fetches *fetches;
    struct log_reopen *log_reopen;
    struct upgrade_exec exec;
    struct timer proof_deadline;
    struct timer proof_end;    // due at once: what follows from it
    bool is_proven;            // then
    int rollback_image;        // that this one has taken over from and may go back to; -1: none
    unsigned rollback_version; // of the state that it reads
};

void upgrade_init(struct upgrade *u);
void upgrade_cleanup(struct upgrade *u);

// Whether an upgrade can begin now.
bool upgrade_is_possible(const struct upgrade *u);

// Has a new image prove itself, and becomes it.
void upgrade_start(struct upgrade *u);

// Takes over what a predecessor has left. 0 or a negative errno.
int upgrade_take_over(struct upgrade *u, const struct upgrade_state *s);

// This image has a generation of its own: from now on there is no way back.
void upgrade_forget_rollback(struct upgrade *u);

// This image has taken over but cannot start workers of its own: returns only when there is no way
// back.
void upgrade_go_back(struct upgrade *u);

// The same when it cannot even begin to: it goes on with the workers that it has taken over.
void upgrade_go_back_or_on(struct upgrade *u);
