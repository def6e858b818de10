// The walk that takes openat2's place: one component at a time, O_PATH | O_NOFOLLOW, links read by
// hand, a stack of directory fds so that ".." stops at the root.
//
// Behaves as openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: the same fd or the same errno
// (also -EXDEV for ".." above the root and for absolute link targets, -ELOOP beyond 40 links).
#pragma once

// As rootfs_open(): the fd, or a negative errno.
int pathwalk_open(int root, const char *path);
