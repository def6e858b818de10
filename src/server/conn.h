// Drives a connection from state to state: what it receives with, what it does then, and what it
// waits for afterwards is one table.
//
// A ready connection first receives (conn_receive), and only when all of its group in the loop
// have, is advanced (conn_advance): requests are parsed, answered in order, gathered and sent. Its
// interest at the poller and its deadline follow from the state. A connection belongs to one loop;
// nothing here is shared between threads.
//
// An idle connection owns its slot and nothing else; a block is borrowed while a request is read,
// and when an answer is stuck.
#pragma once

#include "server/conn_types.h"

struct context;

// Prepares a slot for a socket that was accepted on that listener; `now` is the clock of deadlines,
// by which the connection ages.
void conn_open(struct conn *c, int fd, const struct sockaddr_in6 *peer, size_t listener,
               int64_t now);

// Receives what there is. Never advances, never closes.
void conn_receive(struct context *ctx, struct conn *c);

// Does all that can be done now, and settles what to wait for. May close.
void conn_advance(struct context *ctx, struct conn *c);

// The bytes that its connection waited for were read. Takes over the reading.
void conn_go_on(struct context *ctx, struct reading *one);

// File systems have answered: all connections go on that waited for it.
void conn_answered(struct context *ctx);

// A thread has read a snapshot: the next one is begun, and all connections go on whose snapshot
// waits no more.
void conn_listed(struct context *ctx, struct snapshot *one);

// The deadline of its state has passed. Does first what can be done.
void conn_expire(struct context *ctx, struct conn *c);

// The loop drains: what waits between requests gets a last chance, answers under way go on.
void conn_drain(struct context *ctx, struct conn *c);

// The loop hears of the connection no more, until conn_watch(). It is closed if it cannot be heard
// of again.
void conn_unwatch(struct context *ctx, struct conn *c);
void conn_watch(struct context *ctx, struct conn *c);

// A connection that others had, in the state in which it was opened (conn_open()) and filled, is
// served from now on; `since` is when it entered that state. False without memory.
bool conn_resume(struct context *ctx, struct conn *c, int64_t since);
