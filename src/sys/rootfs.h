// Opening files beneath a root directory, so that no path leads out of it.
//
// openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS does it in the kernel. Where that call
// is missing or refused (RestrictSUIDSGID=yes makes it ENOSYS) sys/pathwalk.h does the same by
// hand; the two agree on every path. It also follows absolute links that stay in the root, which
// the kernel refuses: only then is it asked. Safe to use from several threads.
#pragma once

#include "base/modes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum rootfs_way { ROOTFS_OPENAT2, ROOTFS_WALK };

// A copy with other `links` is another view of the same root.
struct rootfs {
    int fd; // the root, O_PATH; owned
    enum rootfs_way way;
    enum symlinks links;        // SYMLINKS_UNSET: as BENEATH
    char *as_configured, *real; // absolute paths of the root, as pathwalk_names has them; owned
};

// The identity of one state of one file. Two equal ones, both older than the clock's tick, mean the
// same content.
struct file_identity {
    uint64_t dev, inode, size;
    int64_t mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns;
    uint32_t mode; // st_mode
};

// Opens the directory and finds out which way works here. 0 or a negative errno.
int rootfs_init(struct rootfs *r, const char *directory);

// Makes a root of what another process has found by rootfs_init(): takes over the descriptor, and
// copies the real path ("": unknown). Asks no file system.
void rootfs_adopt(struct rootfs *r, const char *directory, int fd, enum rootfs_way way,
                  const char *real);

// Closes it; harmless on one that was never opened but set to {.fd = -1}.
void rootfs_cleanup(struct rootfs *r);

// Opens `path` (relative, NUL-terminated, "" is the root itself) for reading: never blocks, never
// becomes a controlling terminal, close-on-exec. Symbolic links are followed as r->links says; an
// absolute target stays beneath when it begins with the root's path, as it was given or real, and
// is then resolved anew beneath the open root: 8 times at most. Opens whatever it is, also a
// directory: the caller looks at the type (rootfs_stat first, so that no device is opened by
// accident). Returns the fd or a negative errno: -EXDEV leads out of the root, -ELOOP, -ENOENT,
// -ENOTDIR, -EACCES, -ENAMETOOLONG, -EMFILE, -ENFILE, …
int rootfs_open(const struct rootfs *r, const char *path);

// Facts of what `path` names, resolved in the same way but not opened, so that a device or a FIFO
// does not notice. 0 or a negative errno as above, but none for want of read permission.
int rootfs_look(const struct rootfs *r, const char *path, struct file_identity *ret);

// Facts of what `path` names now, by one statx(2), following links, without opening it. Not
// confined to the root: compare with what was opened, never serve by it. 0 or a negative errno.
int rootfs_stat(const struct rootfs *r, const char *path, struct file_identity *ret);

// The same of an absolute path, outside of any root.
int rootfs_stat_path(const char *path, struct file_identity *ret);

// The same from what the kernel has in memory, without asking any file system. -EAGAIN: that cannot
// be told, or not on this kernel (before 5.12).
int rootfs_stat_cached(const char *path, struct file_identity *ret);

// The same of an open file.
int rootfs_fstat(int fd, struct file_identity *ret);

// Facts of `name` in the open directory `dir`, where a symbolic link is itself what is looked at.
int rootfs_lstat_at(int dir, const char *name, struct file_identity *ret);

// Reads an extended attribute of an open file ("user.NAME"). The length, or a negative errno:
// -ENODATA there is none, -ERANGE it does not fit.
ssize_t rootfs_attribute(int fd, const char *name, char *ret, size_t size);

bool rootfs_same(const struct file_identity *a, const struct file_identity *b);

// Whether the file was changed later than the other, by their times.
bool rootfs_is_newer(const struct file_identity *a, const struct file_identity *b);

// Whether the file was changed, by its change time, less than 2 s before `now_s`, or in the future:
// kernels before 6.13 do not change the times of two edits in one tick, so such content may change
// unseen. The time of modification can be set to anything and says nothing of it.
bool rootfs_is_young(const struct file_identity *id, int64_t now_s);
