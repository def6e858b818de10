// Where the roots of sites and the files that are read for them come from: opened by the process
// itself, or by another one, so that this one never waits for a file system.
#pragma once

#include "sys/rootfs.h"

// A root that is open, with the facts that are kept of it.
struct supply_root {
    struct rootfs root;
    uint64_t dev, inode;
    bool is_local; // see fstype_is_local(): with all mounts beneath it, and on the way to it
};

struct supply {
    // Opens a directory. 0 or a negative errno; -ETIMEDOUT: it does not answer. The caller owns
    // the root.
    int (*open_root)(void *context, const char *directory, struct supply_root *ret);
    // Opens a file to be read. A descriptor, which the caller owns, or a negative errno.
    int (*open_file)(void *context, const char *path);
    void *context;
};

// Opens them itself. Has no context.
extern const struct supply supply_own;
