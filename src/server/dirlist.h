// Makes the listing of a directory in small steps, so that the clients of a loop do not wait for
// the one that asked for a large one.
//
// Reads the whole directory first, sorting what it reads in runs, then merges the runs while it
// writes. What is shown are regular files and directories, and symbolic links to these that stay
// beneath the root; names that begin with a dot only when asked for. A step ends when it has
// taken 1 ms, or earlier; that of a single system call on a slow file system is not in its hand.
// Memory: for each entry that is shown its name and about 56 bytes, at most 310, and no more than
// `limit` entries. No threads; it does not know connections.
#pragma once

#include "http/listing.h"
#include "sys/rootfs.h"

struct dirlist;

struct dirlist_options {
    const struct rootfs *root; // must live as long as the listing
    struct slice path;         // beneath the root: "" or ends in '/', without NUL; copied
    struct listing_view view;  // path is copied; counts and `cut` are found out
    uint32_t limit;            // the most entries; what is beyond is left out, and the view says so
    bool hidden;               // show names that begin with a dot
    // Whether an entry is shown, or NULL: all are. Must know its answer at once.
    bool (*is_shown)(void *context, struct slice name, bool directory);
    void *context;
};

// Opens the directory. 0 and a listing to be freed, or a negative errno: that of rootfs_open(),
// -ENOTDIR, -ENOMEM.
int dirlist_new(const struct dirlist_options *options, struct dirlist **ret);

enum dirlist_progress {
    DIRLIST_END = 0,
    DIRLIST_MORE = 1, // call again
};

// Does a turn's work, and appends to `out` what fits; with LISTING_BEGIN_MAX bytes free it always
// comes on. Returns enum dirlist_progress, or a negative errno (-ENOMEM, or
// what reading gave), only before the first byte was appended: the client can still be told.
// After anything but DIRLIST_MORE it must not be called again.
int dirlist_step(struct dirlist *d, struct buf *out);

// At any time; NULL is fine.
void dirlist_free(struct dirlist *d);
