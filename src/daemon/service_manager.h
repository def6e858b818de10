// The service manager (systemd): is told the phase of the service and its state, and keeps the
// listeners and the totals for a successor. The lines are daemon/sd_lines.h's; here they are sent.
// Where there is no manager, nothing is done. Master only.
#pragma once

#include "daemon/generations.h"
#include "daemon/sd_lines.h"

// Fills in what the lines tell.
typedef void service_manager_facts_cb(void *context, struct sd_lines_facts *ret);

struct service_manager {
    struct generations *generations;
    service_manager_facts_cb *facts;
    void *context; // of `facts`
    bool is_there; // and listens
    struct sd_lines lines;
    struct timer timer; // when a line is due
};

// Finds out who listens, and tells that the service starts; an upgrade goes on with what its
// predecessor has said. `generations` has its watches by then.
void service_manager_begin(struct service_manager *sm, bool is_upgrade);

// Tells the phase, if it is another, and the state of now. The phase is to be over in the time that
// a generation has for its start.
void service_manager_enter(struct service_manager *sm, enum sd_lines_phase phase);

// The same for a stop that begins at `when`.
void service_manager_enter_stop(struct service_manager *sm, int64_t when);

// The state has changed: it is told at once.
void service_manager_change(struct service_manager *sm);

// Has the listeners of `g` kept over a restart, in the place of those of `previous`; NULL: of those
// that were kept over one.
void service_manager_keep(struct service_manager *sm, const struct generation *g,
                          const struct generation *previous);

// The last word.
void service_manager_end(struct service_manager *sm);
