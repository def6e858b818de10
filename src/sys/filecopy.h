// A copy of a file's content in memory, as a descriptor that can be passed on and read without
// waiting for a file system.
#pragma once

#include <stddef.h>

// Copies a regular file of at most `max` bytes. A descriptor that is at the content's beginning and
// that the caller owns, or a negative errno: -EINVAL: not a regular file, -EFBIG.
int filecopy_open(const char *path, size_t max);
