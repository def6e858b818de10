#include "scarce.h"

_Atomic unsigned allocations, failing_allocation;

void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void fail_allocation(unsigned nth)
{
    allocations = 0;
    failing_allocation = nth;
}

bool has_failed(void)
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
