// The state of the server, gathered from the parts of the master for `tined status`
// (daemon/status_format.h) and for the service manager (daemon/sd_lines.h). Master only.
#pragma once

#include "base/buf.h"
#include "daemon/outcome.h"
#include "daemon/stop.h"

struct status {
    struct generations *generations;
    const struct outcome *outcome;
    const struct stop *stop;
    const struct reload *reload;
};

// Appends all of it, for people or as an object of JSON.
void status_put_text(const struct status *s, struct buf *b);
void status_put_json(const struct status *s, struct buf *b);

// Gathers for the service manager: a service_manager_facts_cb, whose context is a struct status.
void status_fill_facts(void *context, struct sd_lines_facts *ret);
