// Memory that ends when the test says so (linked with $(wrap_memory)).
#pragma once

#include "unit.h"

#include <stdbool.h>
#include <stddef.h>

static unsigned allocations, failing_allocation;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

// Of the allocations from now on the nth fails; 0: none.
static MAYBE_UNUSED void fail_allocation(unsigned nth)
{
    allocations = 0;
    failing_allocation = nth;
}

// Whether it has come to that.
static MAYBE_UNUSED bool has_failed(void)
{
    return failing_allocation && allocations >= failing_allocation;
}

static bool fails(void)
{
    return failing_allocation && ++allocations == failing_allocation;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}
