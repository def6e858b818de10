// Kinds of file systems.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Whether the open file (O_PATH will do) lies in a file system that stands on this machine's memory
// or disks, by its f_type (statfs(2)). Any other may stop answering for a reason that lies
// elsewhere: FUSE, NFS, all that is not known. The question itself may wait for such a one.
bool fstype_is_local(int fd);

// The mounts of a process's namespace that may stop answering, by the names of their types.
struct fstype_mounts {
    char **points; // where they are
    size_t count;
};

// Reads them from a file as proc_pid_mountinfo(5) has it, and asks none of them. None if it cannot
// be read.
void fstype_read_mounts(const char *mountinfo, struct fstype_mounts *ret);

// For tests.
void fstype_free_mounts(struct fstype_mounts *m);

// Whether one of them lies on the way to the absolute path, or beneath it.
bool fstype_meets_mount(const struct fstype_mounts *m, const char *path);
