// The two ways to open a path beneath a root (sys/rootfs.h), beside each other.
#pragma once

#include "sys/rootfs.h"

// Whether the kernel has openat2; says so when not: nothing to compare with.
bool has_openat2(const struct rootfs *root);

// Whether both find and open the same beneath a root, or fail with the same error, with links that
// stay beneath it and with none; says so when not. Fails no test: forked children may ask.
bool ways_agree(int root_fd, const char *path);
