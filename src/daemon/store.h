// What outlives the master in the service manager's store (FileDescriptorStoreMax= of
// systemd.service(5)): the listeners that it has bound itself, so that a restart refuses nobody,
// and the totals, so that they do not begin anew. Master only.
//
// A stored descriptor has a name, which says what it is and is used to take it out again. What a
// listener is bound to is asked of the socket. UNIX sockets with a file are not stored: the file
// goes with the runtime directory. A manager without a store ignores all of this.
#pragma once

#include "daemon/listeners.h"
#include "server/scoreboard.h"

struct store {
    struct listeners listeners; // that a predecessor has left, as a generation's that went before
    int totals;                 // a memfd, or -1
};

// Takes what was stored out of the sockets that were passed in, and returns how many are left of
// these. What is not what its name says is closed and taken out of the store.
size_t store_take(struct store *s, struct systemd_socket *sockets, size_t count);

// What of the listeners of `previous` is to be kept for a successor is what `current` has; all that
// is new there comes in, all that is given up goes out. Not those that systemd owns.
void store_keep(const struct listeners *current, const struct listeners *previous);

// The totals that were stored: false if there are none, or another version's.
bool store_read_totals(const struct store *s, struct scoreboard_counts *ret);

// Stores totals, in a memfd that is made at the first time and again after an upgrade's exec.
void store_write_totals(struct store *s, const struct scoreboard_counts *totals);

// Closes what this process has of it.
void store_cleanup(struct store *s);
