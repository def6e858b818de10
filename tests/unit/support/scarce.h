// Memory that ends when the test says so (linked with $(wrap_memory)).
#pragma once

#include "unit.h"

#include <stdbool.h>
#include <stddef.h>

// Allocations counted so far, of all threads, and which of them fails (0: none). A test may set
// them.
extern _Atomic unsigned allocations, failing_allocation;

// malloc() as it is: does not count.
void *__real_malloc(size_t size);

// Of the allocations from now on the nth fails; 0: none.
void fail_allocation(unsigned nth);

// Whether it has come to that.
bool has_failed(void);
