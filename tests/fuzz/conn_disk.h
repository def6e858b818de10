// The file systems that fuzz_conn has: the disk, and one far away that may not answer. Nothing is
// read before the fuzzer says so, and all is read in its own thread.
//
// Takes the place of sys/askers.h, and of a part of server/readahead.h, sys/pagecache.h and
// content/sites.h (see local.mk).
#pragma once

#include "server/context.h"

struct disk {
    bool is_cold;    // content has to be read first
    bool is_swapped; // all roots lead elsewhere
    bool is_short;   // there is no memory to read into
    struct reading *readings;
    struct snapshot *listing; // that is to be read
};
extern struct disk disk;

// Reads all that waits for the disk, and tells.
void disk_read(struct context *ctx);

// Does as many jobs of the file system far away at most.
void disk_do_far(size_t count);

// Tells what it has answered so far.
void disk_take_far(struct context *ctx);
