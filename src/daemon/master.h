// The master: keeps generations of workers, and reacts to signals and to the end of children.
//
// It never reads a byte from a client. Signals: TERM and INT drain and stop, a second one stops at
// once; QUIT stops at once; HUP reloads; USR1 opens the access log anew; USR2 upgrades. Commands
// come over the control socket (daemon/control.h). A signal that the process has inherited as
// ignored counts as well, but for HUP where it would stop.
#pragma once

#include "conf/conf.h"

#include <stdbool.h>

// Loads the configuration anew; NULL after having reported why not.
typedef struct conf *master_load_cb(void *context);

struct master_options {
    char *const *argv; // the command line, for the image that an upgrade executes
    master_load_cb *load;
    void *context;
    const char *file; // that `load` reads; NULL: none
    bool keep_ids;    // workers keep the ids of the master
    bool control;     // it takes commands on the control socket
    bool hup_stops;   // HUP, of a terminal that ends, stops it, unless it was ignored (nohup)
};

// Loads, serves until told to stop, and returns the exit status.
int master_run(const struct master_options *options);
