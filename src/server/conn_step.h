// The steps of a connection: each does all that its state allows with what was received, and sets
// the next state, or closes. The poller and the deadline follow the state afterwards
// (server/conn.h).
#pragma once

struct conn;
struct context;

// HEAD, IDLE, LAST, ROOT: answers the requests that are complete, in order, and sends the answers
// together.
void conn_step_requests(struct context *ctx, struct conn *c);

// BODY: goes on like that when the content that is thrown away is complete.
void conn_step_content(struct context *ctx, struct conn *c);

// SEND: sends what is stuck, then answers what was received meanwhile.
void conn_step_send(struct context *ctx, struct conn *c);

// LINGER: closes when the client has.
void conn_step_linger(struct context *ctx, struct conn *c);

// ASKED, LISTING, when the file system has not answered in time: so says the answer.
void conn_step_silent(struct context *ctx, struct conn *c);

// ROOT, when no generation has come that has the root: answers with what there is.
void conn_step_stale(struct context *ctx, struct conn *c);

// HEAD, BODY, when the time for a request is up: refuses one that has begun; else closes.
void conn_step_unfinished(struct context *ctx, struct conn *c);
