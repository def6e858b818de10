// Tells when connections were lost on the way from one worker to another (daemon/handover.h): those
// that end say how many they have sent, those that take over count what they have taken
// (server/counters.h).
//
// The sums tell, also when a worker took them out of a pair and keeps silent about it. One that
// counts what it did not serve is not found out. Nothing is told of times in which a worker handed
// over that does not say, for it has died, or is of another program. Master only.
#pragma once

#include "daemon/generations.h"

struct handover_loss {
    struct generations *generations;
    uint64_t taken_before; // when nothing was under way
    bool is_suspected;     // at the last look they were missing: one may just be taking them
};

void handover_loss_begin(struct handover_loss *l);

// Looks once a second: logs what was lost when all handovers are over, and closes what is over.
void handover_loss_look(struct handover_loss *l);

// Whether connections that could go at once are on their way yet, or missing.
bool handover_loss_is_open(const struct handover_loss *l);

// How many are missing, of *ret_sent; 0 as long as they may be on their way.
uint64_t handover_loss_count(const struct handover_loss *l, uint64_t *ret_sent);
