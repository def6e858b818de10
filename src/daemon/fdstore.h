// Descriptors that outlive the master in the service manager's store (FileDescriptorStoreMax= of
// systemd.service(5)): the listeners that it has bound itself, so that a restart refuses nobody,
// the notes of what options listeners had at first, and the totals, so that they do not begin anew.
// Master only.
//
// A stored descriptor has a name, which says what it is and is used to take it out again. The
// address of a listener is read from its socket. UNIX sockets with a file are not stored: the file
// goes with the runtime directory. A manager without a store ignores all of this.
#pragma once

#include "daemon/listener_notes.h"
#include "daemon/listeners.h"
#include "server/counters.h"

struct fdstore {
    struct listeners listeners; // that a predecessor has left, as a generation's that went before
    int totals;                 // a memfd, or -1
    int notes;                  // a memfd; 0: none yet
};

// Takes what was stored out of the sockets that were passed in, and returns how many are left of
// these. A descriptor that is not of the kind that its name says is closed and taken out of the
// store.
size_t fdstore_take(struct fdstore *s, struct systemd_socket *sockets, size_t count);

// Makes the store hold exactly the listeners of `current`: adds those that `previous` lacks, and
// drops those that `current` lacks. Sockets that systemd owns are left alone.
void fdstore_keep(const struct listeners *current, const struct listeners *previous);

// Reads the totals that were stored, by whatever version of the program: a counter that this one
// does not have is passed over, and one that is not there is 0. False: there are none, or they are
// not of the form that fdstore_write_totals() writes.
bool fdstore_read_totals(const struct fdstore *s, struct counters *ret);

// Stores totals, in a memfd that is made at the first time and again after an upgrade's exec.
void fdstore_write_totals(struct fdstore *s, const struct counters *totals);

// Adds the notes that were stored, if they are of the form that fdstore_write_notes() writes.
void fdstore_read_notes(const struct fdstore *s, struct listener_notes *ret);

// Stores notes, in a memfd that is made at the first time. An upgrade passes it on.
void fdstore_write_notes(struct fdstore *s, const struct listener_notes *notes);

// Closes what this process has of it.
void fdstore_cleanup(struct fdstore *s);
