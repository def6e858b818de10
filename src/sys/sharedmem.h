// Memory that a process shares with the children that it forks: one of them writes, others read at
// most.
//
// A memfd that nobody can make larger or smaller, so that no holder can pull the pages from under
// another, and of which nobody can get a writable mapping or descriptor any more: neither from the
// view, nor by mremap(2) of any mapping, nor from /proc. A memfd for each writer: over one that
// holds the memory of several, mremap(2) stretches a writable mapping. No descriptor stays open.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Maps `size` zero bytes; `name` (static) is shown in /proc/PID/maps. *ret_own can be written, and
// is not there in children until it is lent. *ret_view shows the same bytes, in children as well,
// and can never be written; NULL: no view. 0 or a negative errno.
int sharedmem_map(const char *name, size_t size, void **ret_own, const void **ret_view);

// Whether the children that are forked from now on have `own`, all of it, in the same place.
void sharedmem_lend(void *own, size_t size, bool is_lent);

// `memory` may be a view.
void sharedmem_unmap(const void *memory, size_t size);
