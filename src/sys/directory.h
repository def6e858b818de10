// Reading the names in a directory, a few thousand to a system call.
#pragma once

#include "base/slice.h"

#include <dirent.h>

enum directory_kind {
    DIRECTORY_UNKNOWN, // the file system does not say: look
    DIRECTORY_FILE,    // a regular file
    DIRECTORY_FOLDER,  // a directory
    DIRECTORY_LINK,    // a symbolic link
    DIRECTORY_OTHER    // a device, FIFO or socket
};

struct directory {
    DIR *stream;
};

// Takes a descriptor that is open for reading, and closes it also when this fails. 0 or a negative
// errno (-ENOTDIR, -ENOMEM).
int directory_open(struct directory *d, int fd);

// The descriptor, which stays the directory's.
int directory_fd(const struct directory *d);

// The next name but "." and "..", NUL-terminated and valid until the next call: 1; 0 at the end; or
// a negative errno. An entry that is added or removed meanwhile may come or not.
int directory_next(struct directory *d, struct slice *name, enum directory_kind *kind);

void directory_close(struct directory *d);
