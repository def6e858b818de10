// The system's memory of file content: whether a read would wait for a disk, and waiting for it.
//
// Only a read can tell: mincore(2) and cachestat(2) answer those only who may write the file.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Whether these bytes of a file can be read without waiting, judged by the first and the last of
// them; the kernel may begin to read at the one that is missing. True also where the file system
// cannot tell. `len` is not 0.
bool pagecache_has(int file, uint64_t offset, size_t len);

// Reads what can be had without waiting. Returns how much, or a negative errno; -EAGAIN: nothing.
// Where the file system cannot tell it waits.
ssize_t pagecache_read(int file, uint64_t offset, void *data, size_t len);

// The same, but waits for the file system.
ssize_t pagecache_wait(int file, uint64_t offset, void *data, size_t len);

// Reads them into memory and waits until they are there, or cannot be had.
void pagecache_load(int file, uint64_t offset, size_t len);
