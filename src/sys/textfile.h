// Whole files of text that the master reads, once.
#pragma once

#include <stddef.h>

// Reads at most `max` bytes of an open file, and closes it. 0, and a text that the caller frees,
// without a NUL behind it; or a negative errno: -EINVAL: not a regular file, -EFBIG: larger than
// `max`, -ENOMEM, those of read, and of an `fd` that is none the errno that it is.
int textfile_read(int fd, size_t max, char **ret_text, size_t *ret_len);
