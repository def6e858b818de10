// A list of pieces of work shared out to threads.
#pragma once

#include <stddef.h>

typedef void pool_work(void *context, size_t index);

// Calls work(context, i) once for each i below `count`, begun in this order, on up to `threads`
// threads, of which the caller's is one; returns when all have returned. When the system gives
// fewer threads, there are fewer.
void pool_run(unsigned threads, size_t count, pool_work *work, void *context);
