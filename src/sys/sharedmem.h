// Memory that a process shares with the children that it forks.
#pragma once

#include <stddef.h>

// Maps `size` zero bytes: a memfd sealed against growing and shrinking, so that no holder can pull
// the pages from under another. 0 or a negative errno.
int sharedmem_map(size_t size, void **ret);
void sharedmem_unmap(void *memory, size_t size);
