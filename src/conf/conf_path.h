// Paths in the configuration: made absolute, taken apart, read.
//
// By text alone but for conf_path_read(): ".." is left for the kernel, since a link may stand
// before it. Returned texts belong to the caller; NULL means out of memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// `path` as seen from `directory`: absolute when either is, without "." components, doubled
// slashes and a final slash.
char *conf_path_join(const char *directory, const char *path);

// The directory that `file` is in: "/etc/tined" of "/etc/tined/tined.conf", "" of "tined.conf".
char *conf_path_directory(const char *file);

// Whether glob(3) would find more than the name itself.
bool conf_path_is_pattern(const char *path);

// Reads a whole file of at most 16M. Returns 0 and text with a NUL behind it, whose last
// line has an end (libconfig 1.5 refuses a comment without one); or a negative errno:
// -EFBIG too large, -EILSEQ holds a NUL byte, -EISDIR, -ENOMEM, and those of open and read.
int conf_path_read(const char *path, char **ret_text);

// Tells a user the cause and the remedy of an error of conf_path_read(). Static text.
const char *conf_path_explain(int error);
