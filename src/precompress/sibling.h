// The rules of siblings: which files get them, and what is to be said of one. Pure.
//
// A sibling is a regular file beside its original, named like it with a coding's suffix behind. The
// server uses it when it is not older than the original.
#pragma once

#include "base/slice.h"

#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>

enum sibling_state {
    SIBLING_FRESH,    // not older than the original
    SIBLING_STALE,    // older
    SIBLING_MISSING,  // not there
    SIBLING_NEEDLESS, // not there, and the original is too small to gain by it
    SIBLING_FOREIGN,  // something else has its name: a directory, a symbolic link, ...
};

// Whether the media type that the server gives a file of this name is one that compresses well.
bool sibling_suits(struct slice name);

// Puts the suffix behind the file's name; false when no file can be called like that.
bool sibling_name(char ret[static NAME_MAX + 1], const char *name, const char *suffix);

// `original` is a regular file; `sibling` (of lstat) is NULL when there is none.
enum sibling_state sibling_judge(const struct stat *original, const struct stat *sibling);

// The largest sibling that is worth its place beside an original of `size` bytes: 5 % less.
uint64_t sibling_size_max(uint64_t size);
