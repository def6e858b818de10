// The end of a server: announced to balancers first (timeouts.lame_duck), then by draining, or at
// once. Master only.
#pragma once

#include "daemon/reload.h"

#define STOP_ONE_REQUEST 250 // ms

struct stop {
    struct generations *generations;
    struct service_manager *service_manager;
    struct reload *reload;
    bool has_begun;
    int64_t requested_at;   // the first time
    struct timer announced; // set: a stop was announced, and begins then
};

void stop_init(struct stop *s);

// Announces the stop, or drains and stops; the second time at once. Two within STOP_ONE_REQUEST are
// one: timeout(1) sends its signal to the process and to its group.
void stop_request(struct stop *s);

// Ends every worker without waiting for anything.
void stop_at_once(struct stop *s);

// Whether a stop was announced or has begun.
bool stop_is_ending(const struct stop *s);
