// Kinds of file systems.
#pragma once

#include <stdbool.h>

// Whether the open file (O_PATH will do) lies in a file system that stands on this machine's memory
// or disks, by its f_type (statfs(2)). Any other may stop answering for a reason that lies
// elsewhere: FUSE, NFS, all that is not known. The question itself may wait for such a one.
bool fstype_is_local(int fd);
