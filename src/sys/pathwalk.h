// The walk that takes openat2's place: one component at a time, O_PATH | O_NOFOLLOW, links read by
// hand, a stack of directory fds so that ".." stops at the root.
//
// Behaves as openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS: the same fd or the same errno
// (also -EXDEV for ".." above the root and for absolute link targets, -ELOOP beyond 40 links). But
// it can do more: an absolute target that begins, at a component's border, with a name of the root
// is walked anew from the root, without that name. Nothing but the text of the target is believed.
// Known differences, none of which leads out: it never triggers EAGAIN; links in sticky directories
// that all may write are treated as with fs.protected_symlinks=1, whatever it is; the magic links
// of a procfs beneath the root are refused, but not always with -ELOOP; while it walks it holds a
// descriptor for each level of depth, so that -EMFILE comes earlier.
#pragma once

#include <stdbool.h>

// The most absolute targets on a way.
#define PATHWALK_ANEW_MAX 8

// Absolute paths by which the root is known, without a slash at the end ("" is "/"); NULL: none.
struct pathwalk_names {
    const char *as_configured, *real;
};

// As rootfs_open(): the fd, or a negative errno; -ELOOP beyond PATHWALK_ANEW_MAX absolute targets.
// `names` NULL: no absolute target is followed. Without `links` a link anywhere in the path is
// -ELOOP, as with RESOLVE_NO_SYMLINKS.
int pathwalk_open(int root, const char *path, bool links, const struct pathwalk_names *names);

// The same, but an O_PATH descriptor: finds without opening.
int pathwalk_find(int root, const char *path, bool links, const struct pathwalk_names *names);
