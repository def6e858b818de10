// Whether a client takes its answer fast enough: limits.send_rate over each period of
// timeouts.send, at least one byte.
//
// A deadline that each byte renews is no defence: what counts is what the client has taken since
// the last look, as far as the kernel knows.
#pragma once

#include "server/conn_types.h"

struct context;

// An answer is stuck: the client has until the deadline to take enough.
void send_rate_begin(const struct context *ctx, struct conn *c);

// The deadline has come. True: the client has taken enough, or there was nothing for it to take;
// the next period begins.
bool send_rate_is_kept(const struct context *ctx, struct conn *c);
