// Waiting for the snapshot of a directory that a request asks to see listed (content/snapshots.h).
//
// A request whose snapshot has to be read waits with its connection (CONN_LISTING), before a byte
// of its answer; when it was read by a thread (server/readahead.h) the request is answered anew.
#pragma once

#include "server/context.h"

// The snapshot that the request waited for, or another one that answers the query, as a reference
// that the caller gives back. NULL: *ret_reason says why there is none, and is REASON_NONE where
// the connection has to wait.
struct snapshot *listings_get(struct context *ctx, struct conn *c, const struct snapshot_query *q,
                              enum reason *ret_reason);

// Has a thread read what is to be read next, if anything. Where no thread can be had that is the
// snapshot's error.
void listings_start(struct context *ctx);

// The connection waits no more.
void listings_leave(struct conn *c);
