// Asserts the invariants of a connection between two steps: in builds for tests
// (configure --enable-checks, or a sanitizer), after each step. Nothing that a client does may
// break it.
#pragma once

#include "server/deadline.h"

#include <stdint.h>

struct conn;
struct context;

// Aborts unless the connection is in order and waits for what the table of states (server/conn.c)
// says of its state: these events and this deadline.
void conn_check_now(const struct context *ctx, const struct conn *c, uint32_t interest,
                    enum deadline_class class);

// The same in builds for tests; nothing in others.
static inline void conn_check(const struct context *ctx, const struct conn *c, uint32_t interest,
                              enum deadline_class class)
{
#ifdef CHECK_INVARIANTS
    conn_check_now(ctx, c, interest, class);
#else
    (void)ctx, (void)c, (void)interest, (void)class;
#endif
}
