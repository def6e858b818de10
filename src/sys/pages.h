// Memory straight from the system, whole pages of it: what is given back is the system's at once,
// where an allocator may keep it for whoever asks next.
#pragma once

#include <stddef.h>

// `size` zero bytes, or NULL.
void *pages_map(size_t size);

// All that pages_map() gave for this size; NULL is fine.
void pages_unmap(void *pages, size_t size);
