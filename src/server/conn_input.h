// Receives for a connection: requests into a block that it borrows while there is input, content
// that is thrown away through the loop's buffer.
//
// Receiving never closes: that the client has finished, or that the connection is broken, is noted.
#pragma once

#include "server/conn_types.h"

struct context;

// The bytes that are received and not dealt with.
static inline struct slice conn_input(const struct conn *c)
{
    return c->in ? block_slice(c->in) : (struct slice){NULL, 0};
}

// Receives once: a request, the content of one, or what comes after our FIN.
void conn_input_receive(struct context *ctx, struct conn *c);
void conn_input_receive_content(struct context *ctx, struct conn *c);
void conn_input_receive_rest(struct context *ctx, struct conn *c);

// The input holds content behind a head of so many bytes: throws it away, and notes how far the
// content is.
void conn_input_feed_content(struct conn *c, size_t head_len);

// The first `n` bytes are dealt with.
void conn_input_consume(struct context *ctx, struct conn *c, size_t n);

// All of them are.
void conn_input_drop(struct context *ctx, struct conn *c);

// Makes room for the rest of a head; one that does not fit into a small block moves to a big one.
// False: there is none.
bool conn_input_grow(struct context *ctx, struct conn *c);
