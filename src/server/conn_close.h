// How a connection leaves its loop: closed, or in the hands of another one. Both give back all that
// it holds, and its slot, which is free in the next round.
#pragma once

#include "server/scoreboard.h"

struct conn;
struct context;

// Closes it, whatever it is doing, and counts the reason. An answer that is cut has its line in the
// access log.
void conn_close(struct context *ctx, struct conn *c, enum conn_close reason);

// Lets go of one that another loop has now, which logs its answer. It must not be watched.
void conn_close_handed(struct context *ctx, struct conn *c);
