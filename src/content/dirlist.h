// The entries of a directory in the order of a listing.
//
// A listing shows regular files and directories, and symbolic links to these that stay beneath the
// root; names that begin with a dot only when asked for. Reading waits for the disk, and takes as
// long as the directory is large: it is for a thread that has the time, and safe in several at
// once. The list does not change any more, and any thread may look at it.
// Memory: for each entry that is shown its name and 48 bytes. It is the system's again when it is
// freed.
#pragma once

#include "base/budget.h"
#include "http/listing.h"
#include "sys/rootfs.h"

struct dirlist_options {
    const struct rootfs *root;
    const char *path;                // beneath the root: "" or ends in '/'
    const struct listing_view *view; // its order counts
    uint32_t limit;                  // the most entries; what is beyond is left out
    struct budget *memory;           // bytes; the list gives back its own when it is freed
    bool hidden;                     // show names that begin with a dot
    const _Atomic bool *is_wanted;   // once it is false nobody waits any more; or NULL
    // Whether an entry is shown, or NULL: all are.
    bool (*is_shown)(void *context, struct slice name, bool directory);
    // Directories that are shown besides those that are read, such as mounts, by their number: 1
    // (then *ret_name and *ret are set), 0 when there are no more, or a negative errno when this
    // one cannot be looked at. NULL: there are none.
    int (*extra)(void *context, size_t i, struct slice *ret_name, struct file_identity *ret);
    void *context;
};

struct dirlist {
    struct file_identity identity;       // of the directory, before it was read
    const struct listing_entry **sorted; // all of them
    uint32_t directories, files;         // how many
    bool cut;                            // there are more, which are left out
    uint64_t memory;                     // bytes that it takes
    struct budget *from;                 // private: of which
    struct dirlist_chunk *chunks;        // private
};

// 0 and a list to be freed, or a negative errno: that of rootfs_open() or of reading, -ENOTDIR,
// -ENOMEM, -ENOBUFS when it takes more than is left of `memory`, -ECANCELED when it is not wanted
// any more.
int dirlist_read(const struct dirlist_options *options, struct dirlist **ret);

// NULL is fine.
void dirlist_free(struct dirlist *d);
